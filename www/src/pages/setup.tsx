// The first run: the organisation and its owner, a passkey, recovery codes, and the first token. The token that setup
// answers with is held in memory alone.

import { useEffect, useState } from "preact/hooks";

import { call, holdNothing, holdToken } from "../api/client";
import type { Setup } from "../api/types";
import { useDoing } from "../hooks";
import { havePasskeys } from "../passkeys";
import { Link, navigate, useLeaveGuard } from "../router";
import { beginWithRecoveryCode, signInWithPasskey, signInWithToken } from "../session";
import { t } from "../text";
import { Button, Notice, PageHead, ProblemNotice, toast } from "../ui/basics";
import { RequiredNote, SelectField, TextField, fault } from "../ui/fields";
import { Once, SecretBox } from "../ui/secret";
import { Alone } from "../ui/shell";
import { RecoveryCodes, makePasskey, ownName } from "./passkey";

/** Takes the setup code out of the address, where a browser's history would keep it. */
function takeCode(): string {
  if (window.location.pathname !== "/setup") return "";
  const code = new URLSearchParams(window.location.hash.slice(1)).get("code") ?? "";
  if (window.location.hash !== "") history.replaceState(null, "", window.location.pathname);
  return code;
}

const linked = takeCode();

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
}

function Steps({ at }: { at: number }) {
  return (
    <ol class="steps" role="list">
      {t.setup.steps.map((step, index) => (
        <li key={step} class={index < at ? "done" : ""} aria-current={index === at ? "step" : undefined}>
          {step}
        </li>
      ))}
    </ol>
  );
}

const FIELDS = ["setup_code", "organization.name", "organization.slug", "organization.profile", "owner.name", "owner.email"];

function Found({ onDone }: { onDone: (made: Setup) => void }) {
  const [code, setCode] = useState(linked);
  const [name, setName] = useState("");
  const [slug, setSlug] = useState<string | undefined>(undefined);
  const [profile, setProfile] = useState("symbolon");
  const [ownerName, setOwnerName] = useState("");
  const [email, setEmail] = useState("");
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = {
        setup_code: code.trim(),
        organization: { slug: slug ?? slugOf(name), name: name.trim(), profile },
        owner: { name: ownerName.trim(), email: email.trim() },
      };
      const made = await call<Setup>("POST", "/v1/setup", { body, anonymous: true });
      // Whose passkey it is, the credential says: the owner's token, or a session of theirs.
      if (made.sign_in === undefined) holdToken(made.secret);
      else await beginWithRecoveryCode(made.sign_in.organization, made.owner.email, made.sign_in.recovery_codes[0] ?? "");
      onDone(made);
    });
  };
  return (
    <form class="stack" onSubmit={submit}>
      <PageHead title={t.setup.title} lead={t.setup.lead} />
      <RequiredNote />
      {linked === "" ? (
        <div class="card stack">
          <TextField label={t.setup.code} hint={t.setup.codeHint} value={code} onInput={setCode} error={fault(error, "setup_code")} required mono type="password" />
        </div>
      ) : (
        <Notice tone="good">{t.setup.codeFromLink}</Notice>
      )}
      <div class="card stack">
        <h2>{t.setup.organization}</h2>
        <TextField label={t.setup.organizationName} value={name} onInput={setName} error={fault(error, "organization.name")} required autocomplete="organization" maxLength={255} />
        <TextField
          label={t.setup.slug}
          hint={t.setup.slugHint}
          value={slug ?? slugOf(name)}
          onInput={setSlug}
          error={fault(error, "organization.slug")}
          required
          mono
          minLength={2}
          maxLength={40}
        />
        <SelectField
          label={t.setup.profile}
          hint={`${t.setup.profileHint} ${t.setup.profiles.find(([value]) => value === profile)?.[2] ?? ""}`}
          value={profile}
          onChange={setProfile}
          error={fault(error, "organization.profile")}
          options={t.setup.profiles.map(([value, text]) => ({ value, text }))}
        />
      </div>
      <div class="card stack">
        <h2>{t.setup.owner}</h2>
        <TextField label={t.setup.ownerName} value={ownerName} onInput={setOwnerName} error={fault(error, "owner.name")} required autocomplete="name" maxLength={255} />
        <TextField label={t.setup.ownerEmail} type="email" value={email} onInput={setEmail} error={fault(error, "owner.email")} required autocomplete="email" maxLength={254} />
      </div>
      <ProblemNotice error={error} shown={FIELDS} />
      <div class="row apart">
        <Button type="submit" look="primary" busy={busy}>
          {t.setup.submit}
        </Button>
        <Link href="/sign-in">{t.setup.already}</Link>
      </div>
    </form>
  );
}

interface PasskeyStepProps {
  readonly onMade: (codes: readonly string[]) => void;
  readonly onWithout: () => void;
  /** How they get in without one. */
  readonly withoutHint?: string;
  /** Where they can sign in at the provider instead. */
  readonly onProvider?: { readonly name: string; readonly go: () => void };
}

export function PasskeyStep({ onMade, onWithout, withoutHint = t.setup.passkeyWithoutHint, onProvider }: PasskeyStepProps) {
  const { busy, error, run } = useDoing();
  const able = havePasskeys();
  return (
    <div class="stack">
      <PageHead title={t.setup.passkeyTitle} lead={t.setup.passkeyLead} />
      <div class="card stack">
        {able ? (
          <Button look="primary full" busy={busy} onClick={() => run(async () => onMade(await makePasskey(ownName())))}>
            {t.setup.passkeyMake}
          </Button>
        ) : (
          <Notice tone="warn" title={t.setup.passkeyNone} />
        )}
        <ProblemNotice error={error} />
        {onProvider !== undefined && (
          <Button look="full" onClick={onProvider.go}>
            {t.signIn.atProvider(onProvider.name)}
          </Button>
        )}
        {(!able || error !== undefined) && (
          <>
            <p class="hint">{withoutHint}</p>
            <Button look="full" onClick={onWithout}>
              {t.setup.passkeyWithout}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}

type Step =
  | { readonly at: "found" }
  | { readonly at: "passkey"; readonly made: Setup }
  | { readonly at: "codes"; readonly made: Setup; readonly codes: readonly string[] }
  | { readonly at: "token"; readonly made: Setup; readonly passkey: boolean }
  | { readonly at: "sign-in" };

function FirstToken({ made, passkey, onSignIn }: { made: Setup; passkey: boolean; onSignIn: () => void }) {
  const { busy, error, run } = useDoing();
  const go = () => {
    if (passkey) {
      holdNothing();
      onSignIn();
      return;
    }
    run(async () => {
      await signInWithToken(made.secret);
      navigate("/tokens", { replace: true });
    });
  };
  const revoke = () =>
    run(async () => {
      await call("DELETE", `/v1/tokens/${made.token.id}`);
      holdNothing();
      toast(t.setup.tokenRevoked);
      onSignIn();
    });
  return (
    <div class="stack">
      <PageHead title={t.setup.tokenTitle} lead={t.setup.tokenLead} />
      <div class="card">
        <Once onDone={go} done={passkey ? t.setup.codesDone : t.setup.tokenDone}>
          <SecretBox text={made.secret} label={t.once.secret} />
        </Once>
      </div>
      <ProblemNotice error={error} />
      {passkey && (
        <div class="row">
          <Button look="danger" busy={busy} onClick={revoke}>
            {t.setup.tokenRevoke}
          </Button>
          {busy && <span class="hint">{t.setup.tokenRevoking}</span>}
        </div>
      )}
    </div>
  );
}

function SignInStep() {
  const { busy, error, run } = useDoing();
  const go = () =>
    run(async () => {
      await signInWithPasskey();
      navigate("/tokens", { replace: true });
    });
  return (
    <div class="stack">
      <PageHead title={t.signIn.title} lead={t.signIn.lead} />
      <div class="card stack">
        <Button look="primary full" busy={busy} onClick={go}>
          {t.setup.signIn}
        </Button>
        <ProblemNotice error={error} />
      </div>
    </div>
  );
}

export function SetupPage() {
  const [step, setStep] = useState<Step>({ at: "found" });
  useEffect(() => {
    document.title = t.common.documentTitle(t.setup.title);
  }, []);
  useLeaveGuard(step.at === "passkey", t.once.leave);
  let shown;
  switch (step.at) {
    case "found":
      shown = (
        <Found
          onDone={(made) => setStep({ at: "passkey", made })}
        />
      );
      break;
    case "passkey":
      shown = (
        <PasskeyStep
          onMade={(codes) => setStep(codes.length === 0 ? { at: "token", made: step.made, passkey: true } : { at: "codes", made: step.made, codes })}
          onWithout={() => setStep({ at: "token", made: step.made, passkey: false })}
        />
      );
      break;
    case "codes":
      shown = (
        <div class="stack">
          <PageHead title={t.setup.codesTitle} lead={t.setup.codesLead} />
          <div class="card">
            <Once onDone={() => setStep({ at: "token", made: step.made, passkey: true })} done={t.setup.codesDone}>
              <RecoveryCodes codes={step.codes} />
            </Once>
          </div>
        </div>
      );
      break;
    case "token":
      shown = <FirstToken made={step.made} passkey={step.passkey} onSignIn={() => setStep({ at: "sign-in" })} />;
      break;
    case "sign-in":
      shown = <SignInStep />;
      break;
  }
  const at = { found: 0, passkey: 1, codes: 2, token: 3, "sign-in": 4 }[step.at];
  return (
    <Alone wide>
      <Steps at={at} />
      {shown}
    </Alone>
  );
}

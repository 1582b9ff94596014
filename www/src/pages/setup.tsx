// The first run: the organisation and its owner, the first token, a passkey, and recovery codes. What gets the owner in
// again is shown first: the page holds it in memory alone, and nothing but what they kept survives a reload.

import { useEffect, useState } from "preact/hooks";

import { call, holdNothing, holdToken } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { Setup } from "../api/types";
import { placed } from "../explain";
import { useDoing } from "../hooks";
import { havePasskeys } from "../passkeys";
import { Link, navigate, useLeaveGuard } from "../router";
import { beginWithRecoveryCode, signInWithPasskey, signInWithToken } from "../session";
import { t } from "../text";
import { Button, Notice, PageHead, ProblemNotice, toast } from "../ui/basics";
import { FileField, RequiredNote, SelectField, TextField, fault } from "../ui/fields";
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

/** The short name of what was set up from this browser: a name, and nothing secret. */
const FOUNDED = "symbolon.founded";

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

/** The same rule as the server's. */
const SLUG = /^[a-z0-9-]{2,40}$/;

/** A profile of one's own, among those that are built in. */
const OWN = "own";

/** What a problem says of the profile: the file's faults stand under its own name, line by line. */
function faultsOfProfile(error: unknown): readonly string[] {
  if (!(error instanceof ApiProblem)) return [];
  return error.errors.filter(({ field }) => field === "profile" || field === "organization.profile").map(({ message }) => placed(message));
}

const FIELDS = ["profile", "setup_code", "organization.name", "organization.slug", "organization.profile", "owner.name", "owner.email"];

/** There is an organisation already: whoever comes back signs in. */
function There({ title, children, live = false }: { title: string; children: string; live?: boolean }) {
  return (
    <Notice tone="warn" title={title} live={live}>
      <p>{children}</p>
      <p>
        <Link href="/sign-in">{t.setup.toSignIn}</Link>
      </p>
    </Notice>
  );
}

function Found({ onDone }: { onDone: (made: Setup) => void }) {
  const [code, setCode] = useState(linked);
  const [name, setName] = useState("");
  const [slug, setSlug] = useState<string | undefined>(undefined);
  const [profile, setProfile] = useState("symbolon");
  const [own, setOwn] = useState("");
  const [ownerName, setOwnerName] = useState("");
  const [email, setEmail] = useState("");
  const { busy, error, run } = useDoing();
  const short = slug ?? slugOf(name);
  const slugFault = fault(error, "organization.slug") ?? ((slug !== undefined || name.trim().length > 1) && !SLUG.test(short) ? t.setup.slugWrong : undefined);
  const faults = faultsOfProfile(error);
  const founded = localStorage.getItem(FOUNDED);
  // The answer holds what is shown once.
  useLeaveGuard(busy, t.setup.leave);
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    if (!SLUG.test(short)) {
      // What was made from the name is looked at like what was typed.
      setSlug(short);
      return;
    }
    run(async () => {
      const body = {
        setup_code: code.trim(),
        organization: { slug: short, name: name.trim(), profile: profile === OWN ? own : profile },
        owner: { name: ownerName.trim(), email: email.trim() },
      };
      const made = await call<Setup>("POST", "/v1/setup", { body, anonymous: true });
      localStorage.setItem(FOUNDED, made.organization.slug);
      onDone(made);
    });
  };
  return (
    <form class="stack" onSubmit={submit}>
      <PageHead title={t.setup.title} lead={t.setup.lead} />
      {founded !== null && <There title={t.setup.founded(founded)}>{t.setup.foundedText}</There>}
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
          value={short}
          onInput={setSlug}
          error={slugFault}
          required
          mono
          minLength={2}
          maxLength={40}
        />
        <SelectField
          label={t.setup.profile}
          hint={`${t.setup.profileHint} ${t.setup.profiles.find(([value]) => value === profile)?.[2] ?? t.setup.profileOwnHint}`}
          value={profile}
          onChange={setProfile}
          options={[...t.setup.profiles.map(([value, text]) => ({ value, text })), { value: OWN, text: t.setup.profileOwn }]}
        />
        {profile === OWN && (
          <>
            <FileField label={t.setup.profileFile} accept=".toml,application/toml,text/plain" onText={setOwn} />
            <TextField label={t.setup.profileText} value={own} onInput={setOwn} rows={12} mono required />
          </>
        )}
        {faults.length > 0 && (
          <Notice tone="bad" title={t.setup.profileWrong} live>
            <ul>
              {faults.map((text, index) => (
                <li key={index}>{text}</li>
              ))}
            </ul>
          </Notice>
        )}
      </div>
      <div class="card stack">
        <h2>{t.setup.owner}</h2>
        <TextField label={t.setup.ownerName} value={ownerName} onInput={setOwnerName} error={fault(error, "owner.name")} required autocomplete="name" maxLength={255} />
        <TextField label={t.setup.ownerEmail} type="email" value={email} onInput={setEmail} error={fault(error, "owner.email")} required autocomplete="email" maxLength={254} />
      </div>
      {error instanceof ApiProblem && error.code === "conflict" ? (
        <There title={t.setup.there} live>
          {t.setup.thereText}
        </There>
      ) : (
        <ProblemNotice error={error} shown={FIELDS} />
      )}
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

/** What gets somebody in again before they have a passkey, in place of everything else until it is kept. */
export function Keep({ title, lead, secret, codes = [], onKept }: { title: string; lead: string; secret?: string | undefined; codes?: readonly string[]; onKept: () => void }) {
  return (
    <div class="stack">
      <PageHead title={title} lead={lead} />
      <div class="card">
        <Once onDone={onKept} done={t.setup.codesDone}>
          {secret !== undefined && <SecretBox text={secret} label={t.once.secret} file="symbolon-first-token.txt" />}
          {codes.length > 0 && (
            <>
              {secret !== undefined && <h2>{t.once.codes}</h2>}
              <p class="hint">{t.setup.codesUntil}</p>
              <RecoveryCodes codes={codes} />
            </>
          )}
        </Once>
      </div>
    </div>
  );
}

type Step =
  | { readonly at: "found" }
  | { readonly at: "token" | "passkey" | "sign-in"; readonly made: Setup }
  | { readonly at: "codes"; readonly made: Setup; readonly codes: readonly string[] };

function SignInStep({ made }: { made: Setup }) {
  const signing = useDoing();
  const revoking = useDoing();
  const [revoked, setRevoked] = useState(false);
  const go = () =>
    signing.run(async () => {
      await signInWithPasskey();
      navigate("/tokens", { replace: true });
    });
  const revoke = () =>
    revoking.run(async () => {
      await call("DELETE", `/v1/tokens/${made.token.id}`);
      holdNothing();
      setRevoked(true);
      toast(t.setup.tokenRevoked);
    });
  return (
    <div class="stack">
      <PageHead title={t.signIn.title} lead={t.signIn.lead} />
      <div class="card stack">
        <Button look="primary full" busy={signing.busy} onClick={go}>
          {t.setup.signIn}
        </Button>
        <ProblemNotice error={signing.error} />
      </div>
      {!revoked && (
        <div class="row">
          <Button look="danger" busy={revoking.busy} onClick={revoke}>
            {t.setup.tokenRevoke}
          </Button>
          {revoking.busy && <span class="hint">{t.setup.tokenRevoking}</span>}
        </div>
      )}
      <ProblemNotice error={revoking.error} />
    </div>
  );
}

export function SetupPage() {
  const [step, setStep] = useState<Step>({ at: "found" });
  const { error, run } = useDoing();
  useEffect(() => {
    document.title = t.common.documentTitle(t.setup.title);
  }, []);
  /** Whose passkey it is, the credential says: the owner's token, or a session of theirs. */
  const begin = (made: Setup) =>
    run(async () => {
      if (made.sign_in === undefined) holdToken(made.secret);
      else await beginWithRecoveryCode(made.sign_in.organization, made.owner.email, made.sign_in.recovery_codes[0] ?? "");
      setStep({ at: "passkey", made });
    });
  const without = (made: Setup) =>
    run(async () => {
      await signInWithToken(made.secret);
      navigate("/tokens", { replace: true });
    });
  let shown;
  switch (step.at) {
    case "found":
      shown = <Found onDone={(made) => setStep({ at: "token", made })} />;
      break;
    case "token":
      shown = (
        <Keep
          title={t.setup.tokenTitle}
          lead={t.setup.tokenLead}
          secret={step.made.secret}
          codes={step.made.sign_in?.recovery_codes.slice(1) ?? []}
          onKept={() => begin(step.made)}
        />
      );
      break;
    case "passkey":
      shown = (
        <PasskeyStep
          onMade={(codes) => setStep(codes.length === 0 ? { at: "sign-in", made: step.made } : { at: "codes", made: step.made, codes })}
          onWithout={() => without(step.made)}
        />
      );
      break;
    case "codes":
      shown = (
        <div class="stack">
          <PageHead title={t.setup.codesTitle} lead={t.setup.codesLead} />
          <div class="card">
            <Once onDone={() => setStep({ at: "sign-in", made: step.made })} done={t.setup.codesDone}>
              <RecoveryCodes codes={step.codes} />
            </Once>
          </div>
        </div>
      );
      break;
    case "sign-in":
      shown = <SignInStep made={step.made} />;
      break;
  }
  const at = { found: 0, token: 1, passkey: 2, codes: 3, "sign-in": 4 }[step.at];
  return (
    <Alone wide>
      <Steps at={at} />
      <div class="stack">
        {shown}
        <ProblemNotice error={error} />
      </div>
    </Alone>
  );
}

// Accepting an invitation. The link's secret is in the fragment, which no browser sends anywhere, and is taken out of
// the address at once.

import { useState } from "preact/hooks";

import { call, holdToken, holdNothing } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { FirstSignIn, Member, WhoAmI } from "../api/types";
import { useDoing, useLoad } from "../hooks";
import { linkAtProvider, provider } from "../provider";
import { navigate } from "../router";
import { beginWithRecoveryCode, enter, signInWithPasskey, signInWithToken } from "../session";
import { t } from "../text";
import { Button, Notice, PageHead, ProblemNotice } from "../ui/basics";
import { RequiredNote, TextField, fault } from "../ui/fields";
import { Once, SecretBox } from "../ui/secret";
import { Alone } from "../ui/shell";
import { RecoveryCodes } from "./passkey";
import { PasskeyStep } from "./setup";

function takeSecret(): string {
  if (!window.location.pathname.startsWith("/invitations/")) return "";
  const secret = window.location.hash.slice(1);
  if (secret !== "") history.replaceState(null, "", window.location.pathname);
  return secret;
}

const linked = takeSecret();

/** With what an invitation is refused that was used or withdrawn, has ended, or never was. */
const GONE = new Set(["not_found", "expired", "conflict", "unknown_token"]);

interface Accepted {
  readonly member: Member;
  readonly secret?: string;
  /** Where their role may have no token. */
  readonly sign_in?: FirstSignIn;
}

type Step =
  | { readonly at: "name" }
  /** With what they get in without a passkey: their token, or codes that are left. */
  | { readonly at: "passkey"; readonly secret: string | undefined; readonly left: readonly string[] }
  | { readonly at: "codes"; readonly secret: string | undefined; readonly codes: readonly string[]; readonly way: "passkey" | "none" }
  | { readonly at: "token"; readonly secret: string; readonly way: "passkey" | "provider" | "none" };

export function InvitationPage({ id }: { id: string }) {
  const [step, setStep] = useState<Step>({ at: "name" });
  const [name, setName] = useState("");
  const { busy, error, run } = useDoing();
  const accept = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = { secret: linked, name: name.trim() };
      const { secret, member, sign_in } = await call<Accepted>("POST", `/v1/invitations/${encodeURIComponent(id)}/accept`, { body, anonymous: true });
      if (secret !== undefined) holdToken(secret);
      // The first of the codes begins a session; the passkey that is made in it brings new ones to keep.
      else if (sign_in !== undefined) await beginWithRecoveryCode(sign_in.organization, member.email, sign_in.recovery_codes[0] ?? "");
      setStep({ at: "passkey", secret, left: sign_in?.recovery_codes.slice(1) ?? [] });
    });
  };
  const found = useLoad("provider", provider);
  /** On from the passkey: the token is shown where there is one. */
  const after = (secret: string | undefined, way: "passkey" | "provider" | "none") => {
    if (secret !== undefined) setStep({ at: "token", secret, way });
    else {
      run(async () => {
        if (way === "provider") await linkAtProvider("/tokens");
        await enter(way === "passkey" ? {} : { recovered: true });
        navigate(way === "passkey" ? "/tokens" : "/account", { replace: true });
      });
    }
  };
  const begin = (way: "passkey" | "provider" | "none", secret: string) =>
    run(async () => {
      if (way === "provider") {
        const { organization } = await call<WhoAmI>("GET", "/v1/whoami");
        await linkAtProvider(`/sign-in?organization=${encodeURIComponent(organization.slug)}`);
      }
      if (way === "passkey") {
        holdNothing();
        await signInWithPasskey();
      } else await signInWithToken(secret);
      navigate("/tokens", { replace: true });
    });
  return (
    <Alone wide>
      {step.at === "name" && (
        <form class="stack" onSubmit={accept}>
          <PageHead title={t.invitation.title} lead={t.invitation.lead} />
          {linked === "" ? (
            <Notice tone="bad" title={t.invitation.missing} />
          ) : (
            <div class="card stack">
              <RequiredNote />
              <TextField label={t.invitation.name} value={name} onInput={setName} error={fault(error, "name")} required maxLength={255} autocomplete="name" />
              {error instanceof ApiProblem && GONE.has(error.code) ? (
                <Notice tone="bad" title={t.invitation.gone} live>
                  <p>{t.invitation.goneText}</p>
                </Notice>
              ) : (
                <ProblemNotice error={error} shown={["name"]} />
              )}
              <div>
                <Button type="submit" look="primary" busy={busy}>
                  {t.invitation.submit}
                </Button>
              </div>
            </div>
          )}
        </form>
      )}
      {step.at === "passkey" && (
        <PasskeyStep
          onMade={(codes) => (codes.length === 0 ? after(step.secret, "passkey") : setStep({ at: "codes", secret: step.secret, codes, way: "passkey" }))}
          onWithout={() => (step.secret === undefined ? setStep({ at: "codes", secret: undefined, codes: step.left, way: "none" }) : after(step.secret, "none"))}
          withoutHint={step.secret === undefined ? t.invitation.withoutHint : t.setup.passkeyWithoutHint}
          {...(found.data !== undefined && { onProvider: { name: found.data.name, go: () => after(step.secret, "provider") } })}
        />
      )}
      {step.at === "codes" && (
        <div class="stack">
          <PageHead title={t.setup.codesTitle} lead={t.setup.codesLead} />
          <div class="card">
            <Once onDone={() => after(step.secret, step.way)} done={t.setup.codesDone}>
              <RecoveryCodes codes={step.codes} />
            </Once>
          </div>
        </div>
      )}
      {step.at === "token" && (
        <div class="stack">
          <PageHead title={t.invitation.doneTitle} lead={t.invitation.tokenText} />
          <div class="card">
            <Once
              onDone={() => begin(step.way, step.secret)}
              done={step.way === "passkey" ? t.setup.signIn : step.way === "provider" ? t.signIn.atProvider(found.data?.name ?? "") : t.setup.tokenDone}
            >
              <SecretBox text={step.secret} label={t.once.secret} />
            </Once>
          </div>
          <ProblemNotice error={error} />
        </div>
      )}
      {step.at !== "name" && step.at !== "token" && <ProblemNotice error={error} />}
    </Alone>
  );
}

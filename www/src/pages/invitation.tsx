// Accepting an invitation. The link's secret is in the fragment, which no browser sends anywhere. It stays there, so that
// the page can be loaded again, until it is used up.

import { useState } from "preact/hooks";

import { call, holdToken } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { FirstSignIn, Member, WhoAmI } from "../api/types";
import { useDoing, useLoad } from "../hooks";
import { linkAtProvider, provider } from "../provider";
import { navigate, useLeaveGuard } from "../router";
import { beginWithRecoveryCode, enter, signInWithPasskey, signInWithToken } from "../session";
import { t } from "../text";
import { Button, Notice, PageHead, ProblemNotice } from "../ui/basics";
import { RequiredNote, TextField, fault } from "../ui/fields";
import { Once } from "../ui/secret";
import { Alone } from "../ui/shell";
import { RecoveryCodes } from "./passkey";
import { Keep, PasskeyStep } from "./setup";

/** With what an invitation is refused that was used or withdrawn, has ended, or never was. */
const GONE = new Set(["not_found", "expired", "conflict", "unknown_token"]);

interface Accepted {
  readonly member: Member;
  readonly secret?: string | undefined;
  /** Where their role may have no token. */
  readonly sign_in?: FirstSignIn | undefined;
}

type Step =
  | { readonly at: "name" }
  /** With what they get in without a passkey: their token, or codes. */
  | { readonly at: "keep"; readonly accepted: Accepted }
  | { readonly at: "passkey"; readonly secret: string | undefined }
  | { readonly at: "codes"; readonly secret: string | undefined; readonly codes: readonly string[] };

/**
 * The secret of the link. It is taken out of the address, where the next person at this browser would find it, and kept
 * with this entry of this tab's history, so that the page can be loaded again.
 */
function secretOfLink(): string {
  const linked = window.location.hash.slice(1);
  if (linked === "") return (history.state as { invitation?: string } | null)?.invitation ?? "";
  history.replaceState({ invitation: linked }, "", window.location.pathname);
  return linked;
}

export function InvitationPage({ id }: { id: string }) {
  const [step, setStep] = useState<Step>({ at: "name" });
  const [linked] = useState(secretOfLink);
  const [name, setName] = useState("");
  const { busy, error, run } = useDoing();
  // The answer holds what is shown once.
  useLeaveGuard(busy && step.at === "name", t.setup.leave);
  const accept = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = { secret: linked, name: name.trim() };
      const { secret, member, sign_in } = await call<Accepted>("POST", `/v1/invitations/${encodeURIComponent(id)}/accept`, { body, anonymous: true });
      history.replaceState(null, "", window.location.pathname);
      setStep({ at: "keep", accepted: { secret, member, sign_in } });
    });
  };
  const begin = ({ secret, member, sign_in }: Accepted) =>
    run(async () => {
      if (secret !== undefined) holdToken(secret);
      // The first of the codes begins a session; the passkey that is made in it brings new ones to keep.
      else if (sign_in !== undefined) await beginWithRecoveryCode(sign_in.organization, member.email, sign_in.recovery_codes[0] ?? "");
      setStep({ at: "passkey", secret });
    });
  const found = useLoad("provider", provider);
  /** In, as whoever they have shown themselves to be. */
  const enterBy = (way: "passkey" | "provider" | "none", secret: string | undefined) =>
    run(async () => {
      if (secret === undefined) {
        if (way === "provider") await linkAtProvider("/tokens");
        await enter(way === "passkey" ? {} : { recovered: true });
        navigate(way === "passkey" ? "/tokens" : "/account", { replace: true });
        return;
      }
      if (way === "provider") {
        const { organization } = await call<WhoAmI>("GET", "/v1/whoami");
        await linkAtProvider(`/sign-in?organization=${encodeURIComponent(organization.slug)}`);
      }
      if (way === "passkey") await signInWithPasskey();
      else await signInWithToken(secret);
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
              <p class="hint">{t.invitation.next}</p>
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
      {step.at === "keep" && (
        <Keep
          title={t.invitation.doneTitle}
          lead={step.accepted.secret === undefined ? t.invitation.codesText : t.invitation.tokenText}
          secret={step.accepted.secret}
          codes={step.accepted.sign_in?.recovery_codes.slice(1) ?? []}
          onKept={() => begin(step.accepted)}
        />
      )}
      {step.at === "passkey" && (
        <PasskeyStep
          onMade={(codes) => (codes.length === 0 ? enterBy("passkey", step.secret) : setStep({ at: "codes", secret: step.secret, codes }))}
          onWithout={() => enterBy("none", step.secret)}
          withoutHint={step.secret === undefined ? t.invitation.withoutHint : t.setup.passkeyWithoutHint}
          {...(found.data !== undefined && { onProvider: { name: found.data.name, go: () => enterBy("provider", step.secret) } })}
        />
      )}
      {step.at === "codes" && (
        <div class="stack">
          <PageHead title={t.setup.codesTitle} lead={t.setup.codesLead} />
          <div class="card">
            <Once onDone={() => enterBy("passkey", step.secret)} done={step.secret === undefined ? t.setup.codesDone : t.setup.signIn}>
              <RecoveryCodes codes={step.codes} />
            </Once>
          </div>
        </div>
      )}
      {step.at !== "name" && <ProblemNotice error={error} />}
    </Alone>
  );
}

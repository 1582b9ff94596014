// Accepting an invitation. The link's secret is in the fragment, which no browser sends anywhere, and is taken out of
// the address at once.

import { useState } from "preact/hooks";

import { call, holdToken, holdNothing } from "../api/client";
import type { Member, WhoAmI } from "../api/types";
import { useDoing, useLoad } from "../hooks";
import { linkAtProvider, provider } from "../provider";
import { navigate } from "../router";
import { signInWithPasskey, signInWithToken } from "../session";
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

interface Accepted {
  readonly member: Member;
  readonly secret?: string;
}

type Step =
  | { readonly at: "name" }
  | { readonly at: "passkey"; readonly secret: string }
  | { readonly at: "codes"; readonly secret: string; readonly codes: readonly string[] }
  | { readonly at: "token"; readonly secret: string; readonly way: "passkey" | "provider" | "none" }
  | { readonly at: "done" };

export function InvitationPage({ id }: { id: string }) {
  const [step, setStep] = useState<Step>({ at: "name" });
  const [name, setName] = useState("");
  const { busy, error, run } = useDoing();
  const accept = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = { secret: linked, name: name.trim() };
      const { secret } = await call<Accepted>("POST", `/v1/invitations/${encodeURIComponent(id)}/accept`, { body, anonymous: true });
      if (secret === undefined) setStep({ at: "done" });
      else {
        holdToken(secret);
        setStep({ at: "passkey", secret });
      }
    });
  };
  const found = useLoad("provider", provider);
  const enter = (way: "passkey" | "provider" | "none", secret: string) =>
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
              <ProblemNotice error={error} shown={["name"]} />
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
          onMade={(codes) => setStep(codes.length === 0 ? { at: "token", secret: step.secret, way: "passkey" } : { at: "codes", secret: step.secret, codes })}
          onWithout={() => setStep({ at: "token", secret: step.secret, way: "none" })}
          {...(found.data !== undefined && { onProvider: { name: found.data.name, go: () => setStep({ at: "token", secret: step.secret, way: "provider" }) } })}
        />
      )}
      {step.at === "codes" && (
        <div class="stack">
          <PageHead title={t.setup.codesTitle} lead={t.setup.codesLead} />
          <div class="card">
            <Once onDone={() => setStep({ at: "token", secret: step.secret, way: "passkey" })} done={t.setup.codesDone}>
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
              onDone={() => enter(step.way, step.secret)}
              done={step.way === "passkey" ? t.setup.signIn : step.way === "provider" ? t.signIn.atProvider(found.data?.name ?? "") : t.setup.tokenDone}
            >
              <SecretBox text={step.secret} label={t.once.secret} />
            </Once>
          </div>
          <ProblemNotice error={error} />
        </div>
      )}
      {step.at === "done" && (
        <div class="stack">
          <PageHead title={t.invitation.doneTitle} lead={t.invitation.doneText} />
          <div>
            <Button look="primary" onClick={() => navigate("/sign-in")}>
              {t.signIn.submit}
            </Button>
          </div>
        </div>
      )}
    </Alone>
  );
}

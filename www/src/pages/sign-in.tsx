// Signing in: a passkey first, and other ways below it.

import { useState } from "preact/hooks";

import { VISITS } from "../explain";
import { useDoing, useLoad } from "../hooks";
import { havePasskeys } from "../passkeys";
import { provider, signInAtProvider } from "../provider";
import { Link } from "../router";
import { signInWithPasskey, signInWithRecoveryCode, signInWithToken } from "../session";
import { t } from "../text";
import { Button, Notice, PageHead, ProblemNotice } from "../ui/basics";
import { TextField, fault } from "../ui/fields";
import { Alone } from "../ui/shell";

function Recovery() {
  const [organization, setOrganization] = useState("");
  const [email, setEmail] = useState("");
  const [code, setCode] = useState("");
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    run(() => signInWithRecoveryCode(organization.trim(), email.trim(), code.trim()));
  };
  return (
    <form class="stack" onSubmit={submit}>
      <p class="hint">{t.signIn.recoveryHint}</p>
      <TextField label={t.signIn.organization} value={organization} onInput={setOrganization} required autocomplete="organization" />
      <TextField label={t.signIn.email} type="email" value={email} onInput={setEmail} required autocomplete="email" />
      <TextField label={t.signIn.code} value={code} onInput={setCode} required mono />
      <ProblemNotice error={error} />
      <Button type="submit" look="full" busy={busy}>
        {t.signIn.submit}
      </Button>
    </form>
  );
}

function AccessToken() {
  const [token, setToken] = useState("");
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    run(() => signInWithToken(token.trim()));
  };
  return (
    <form class="stack" onSubmit={submit}>
      <TextField label={t.signIn.tokenLabel} hint={t.signIn.tokenHint} type="password" value={token} onInput={setToken} required mono />
      <ProblemNotice error={error} />
      <Button type="submit" look="full" busy={busy}>
        {t.signIn.submit}
      </Button>
    </form>
  );
}

/** What this browser signed in to last: a name, and nothing secret. */
const LAST = "symbolon.organization";

function AtProvider({ name, organization: first, next }: { name: string; organization: string; next: string }) {
  const [organization, setOrganization] = useState(first);
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const slug = organization.trim();
    run(async () => {
      localStorage.setItem(LAST, slug);
      await signInAtProvider(slug, next);
    });
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <TextField
        label={t.signIn.organization}
        value={organization}
        onInput={setOrganization}
        error={fault(error, "organization")}
        required
        mono
        maxLength={40}
        autocomplete="organization"
      />
      <ProblemNotice error={error} shown={["organization"]} />
      <Button type="submit" look="full" busy={busy}>
        {t.signIn.atProvider(name)}
      </Button>
    </form>
  );
}

/** Why a visit to the provider has led nowhere. */
export function VisitNotice({ query }: { query: URLSearchParams }) {
  const problem = query.get("problem");
  if (problem === null) return null;
  const [title, detail] = VISITS[problem] ?? VISITS["other"] ?? [];
  return (
    <Notice tone="bad" title={title} live>
      {detail !== undefined && <p>{detail}</p>}
    </Notice>
  );
}

export function SignInPage({ ended, query, next }: { ended: boolean; query: URLSearchParams; next: string }) {
  const { busy, error, run } = useDoing();
  const found = useLoad("provider", provider);
  return (
    <Alone>
      <div class="stack">
        <PageHead title={t.signIn.title} lead={t.signIn.lead} />
        <VisitNotice query={query} />
        {ended && <Notice tone="accent" title={t.signIn.ended} live />}
        <div class="card stack">
          {havePasskeys() ? (
            <Button look="primary full" busy={busy} onClick={() => run(signInWithPasskey)}>
              {t.signIn.passkey}
            </Button>
          ) : (
            <Notice tone="warn" title={t.signIn.noPasskeys} />
          )}
          <ProblemNotice error={error} />
        </div>
        {found.data !== undefined && (
          <AtProvider name={found.data.name} organization={query.get("organization") ?? localStorage.getItem(LAST) ?? ""} next={next} />
        )}
        <h2>{t.signIn.others}</h2>
        <details class="card">
          <summary>{t.signIn.recovery}</summary>
          <Recovery />
        </details>
        <details class="card">
          <summary>{t.signIn.token}</summary>
          <AccessToken />
        </details>
        <p>
          <Link href="/setup">{t.signIn.setup}</Link>
        </p>
      </div>
    </Alone>
  );
}

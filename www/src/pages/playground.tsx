// The playground: sign or send a request, and see what is signed and how it is decided, step by step.

import { useEffect, useState } from "preact/hooks";

import { call } from "../api/client";
import type { Verdict } from "../api/types";
import type { Within } from "../app";
import { useDoing, useLoad } from "../hooks";
import * as kept from "../keys/kept";
import { type SignedRequest, signRequest } from "../keys/request";
import { may } from "../session";
import { t } from "../text";
import { Badge, Button, Failed, Loading, Notice, PageHead, ProblemNotice } from "../ui/basics";
import { Choice, Group, SelectField, TextField } from "../ui/fields";
import { Icon } from "../ui/icons";

type Step = keyof typeof t.playground.steps;

/** The steps of a decision in their order, and which codes end it there. */
const STEPS: readonly { readonly step: Step; readonly codes: readonly string[]; readonly only?: "token" | "key" }[] = [
  { step: "read", codes: ["missing_credential", "malformed_credential", "invalid_request"] },
  { step: "known", codes: ["unknown_token"] },
  { step: "fresh", codes: ["signature_stale", "replayed"], only: "key" },
  { step: "body", codes: ["digest_mismatch"], only: "key" },
  { step: "proof", codes: ["signature_invalid"] },
  { step: "state", codes: ["expired", "revoked", "inactive", "owner_suspended", "locked"] },
  { step: "passphrase", codes: ["passphrase_required", "passphrase_wrong"] },
  { step: "permission", codes: ["insufficient_permission"] },
];

function Decision({ verdict, by }: { verdict: Verdict; by: "token" | "key" }) {
  const steps = STEPS.filter(({ only }) => only === undefined || only === by);
  const failed = verdict.valid ? steps.length : steps.findIndex(({ codes }) => codes.includes(verdict.code));
  return (
    <section class="card stack" aria-labelledby="decision">
      <div class="row apart">
        <h2 id="decision">{t.playground.decision}</h2>
        <Badge tone={verdict.valid ? "good" : "bad"}>
          {verdict.valid ? t.playground.allowed : t.playground.refused}: {verdict.code}
        </Badge>
      </div>
      <ol class="decision" role="list">
        {steps.map(({ step }, index) => {
          const state = failed === -1 || index > failed ? "skipped" : index === failed ? "failed" : "passed";
          return (
            <li key={step} class={state}>
              <Icon name={state === "passed" ? "check" : state === "failed" ? "cross" : "minus"} />
              <span>
                {t.playground.steps[step]} <span class="soft small-text">({t.playground.stepStates[state]})</span>
              </span>
            </li>
          );
        })}
      </ol>
      {verdict.token !== null && (
        <dl class="facts">
          <dt>{t.playground.whose}</dt>
          <dd>
            {verdict.token.name} <span class="mono soft">{verdict.token.prefix}…</span>
          </dd>
          {verdict.permissions !== null && (
            <>
              <dt>{t.playground.may}</dt>
              <dd>
                <span class="tags">
                  {[...verdict.permissions, ...(verdict.grants ?? []).map(({ permission: what, resource: on }) => `${what} ${t.tokens.on(on ?? "*")}`)].map((text) => (
                    <span class="tag" key={text}>
                      {text}
                    </span>
                  ))}
                </span>
              </dd>
            </>
          )}
        </dl>
      )}
    </section>
  );
}

interface Sent {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** What of an answer is shown at most, in characters. */
const MAX_SHOWN = 20_000;

/** JSON with its lines, so that it can be read; any other text as it is. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function PlaygroundPage({ me, profile }: Within) {
  const keys = useLoad("keys", (signal) => kept.kept(me.organization.short_id, signal));
  const [by, setBy] = useState<"token" | "key">("token");
  const [token, setToken] = useState("");
  const [fingerprint, setFingerprint] = useState("");
  const [method, setMethod] = useState("GET");
  const [url, setUrl] = useState(`${window.location.origin}/v1/whoami`);
  const [body, setBody] = useState("");
  const [permission, setPermission] = useState("");
  const [resource, setResource] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [signed, setSigned] = useState<SignedRequest | undefined>(undefined);
  const [verdict, setVerdict] = useState<Verdict | undefined>(undefined);
  const [sent, setSent] = useState<Sent | undefined>(undefined);
  const doing = useDoing();
  const [step, setStep] = useState<"decide" | "sign" | "send">("decide");
  const key = (keys.data ?? []).find((one) => one.fingerprint === fingerprint) ?? keys.data?.[0];
  const kind = profile.kinds.find(({ name }) => name === key?.token?.kind);
  useEffect(() => {
    setVerdict(undefined);
    setSent(undefined);
    setSigned(undefined);
    doing.clear();
  }, [by, token, fingerprint, method, url, body]);

  const hasBody = !["GET", "HEAD", "DELETE"].includes(method) && body !== "";
  const sign = async (): Promise<SignedRequest> => {
    const pair = key === undefined ? undefined : await kept.pair(key.keyid);
    if (key === undefined || pair === undefined) throw new Error(t.playground.noKeys);
    const request = { method, url: new URL(url).href, ...(hasBody && { body }) };
    const made = await signRequest(request, {
      pair,
      organization: me.organization.short_id,
      thumbprint: key.fingerprint,
      rules: kind?.signature ?? undefined,
    });
    setSigned(made);
    return made;
  };
  /** One at a time: what an earlier one came to is gone. */
  const start = (which: typeof step, work: () => Promise<void>) => {
    if (doing.busy) return;
    setStep(which);
    setVerdict(undefined);
    setSent(undefined);
    doing.run(work);
  };
  const busy = (which: typeof step) => doing.busy && step === which;
  const decide = () =>
    start("decide", async () => {
      const asked = {
        ...(permission !== "" && { require: [permission] }),
        ...(resource !== "" && { resource }),
        ...(passphrase !== "" && { passphrase }),
      };
      if (by === "token") {
        setVerdict(await call<Verdict>("POST", "/v1/verify", { body: { credential: token.trim(), ...asked } }));
        return;
      }
      const { headers, ...request } = await sign();
      const described = {
        method: request.method,
        url: request.url,
        headers,
        ...(headers["content-digest"] !== undefined && { content_digest: headers["content-digest"] }),
      };
      setVerdict(await call<Verdict>("POST", "/v1/verify", { body: { request: described, ...asked } }));
    });
  const signOnly = () =>
    start("sign", async () => {
      await sign();
    });
  const send = () =>
    start("send", async () => {
      if (new URL(url).origin !== window.location.origin) throw new Error(t.playground.elsewhere);
      const headers: Record<string, string> =
        by === "token" ? { authorization: `Bearer ${token.trim()}`, ...(hasBody && { "content-type": "application/json" }) } : { ...(await sign()).headers };
      if (passphrase !== "") headers["x-token-passphrase"] = passphrase;
      const response = await fetch(url, { method, headers, credentials: "omit", cache: "no-store", redirect: "error", ...(hasBody && { body }) });
      const text = await response.text();
      setSent({
        status: response.status,
        headers: [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"),
        body: readable(text).slice(0, MAX_SHOWN),
      });
    });
  const verifies = may(me, "credentials:verify");
  const submit = (event: Event) => {
    event.preventDefault();
    if (verifies) decide();
    else send();
  };
  return (
    <div class="page">
      <PageHead title={t.playground.title} lead={t.playground.lead} />
      <form class="card stack" onSubmit={submit}>
        <Group label={t.playground.credential}>
          <div class="choices two">
            {(["token", "key"] as const).map((one) => (
              <Choice key={one} type="radio" name="by" checked={by === one} onChange={() => setBy(one)} title={t.playground.credentials[one]} />
            ))}
          </div>
        </Group>
        {by === "token" && <TextField label={t.playground.token} hint={t.playground.tokenHint} type="password" value={token} onInput={setToken} required mono />}
        {by === "key" &&
          (keys.error !== undefined ? (
            <Failed error={keys.error} onRetry={keys.reload} />
          ) : keys.data === undefined ? (
            <Loading lines={1} />
          ) : keys.data.length > 0 ? (
            <SelectField
              label={t.playground.key}
              value={key?.fingerprint ?? ""}
              onChange={setFingerprint}
              options={keys.data.map((one) => ({ value: one.fingerprint, text: t.playground.keyOf(one.token?.name, one.fingerprint.slice(0, 8)) }))}
            />
          ) : (
            <Notice tone="accent">{t.playground.noKeys}</Notice>
          ))}
        <div class="grid-target">
          <SelectField label={t.playground.method} value={method} onChange={setMethod} options={["GET", "POST", "PUT", "PATCH", "DELETE"].map((value) => ({ value, text: value }))} />
          <TextField label={t.playground.url} hint={t.playground.urlHint} type="url" value={url} onInput={setUrl} required mono />
        </div>
        {!["GET", "DELETE"].includes(method) && <TextField label={t.playground.body} value={body} onInput={setBody} rows={4} mono />}
        <div class="grid-two">
          <SelectField
            label={t.playground.permission}
            value={permission}
            onChange={setPermission}
            options={[{ value: "", text: t.playground.permissionNone }, ...profile.permissions.map((one) => ({ value: one.permission, text: one.permission }))]}
          />
          <TextField label={t.playground.resource} hint={t.playground.resourceHint} value={resource} onInput={setResource} mono />
          <TextField label={t.playground.passphrase} type="password" value={passphrase} onInput={setPassphrase} autocomplete="new-password" />
        </div>
        {!verifies && <Notice tone="accent">{t.playground.needVerify}</Notice>}
        <ProblemNotice error={doing.error} />
        <div class="row">
          {verifies && (
            <Button type="submit" look="primary" busy={busy("decide")}>
              {t.playground.decide}
            </Button>
          )}
          {by === "key" && (
            <Button onClick={signOnly} busy={busy("sign")}>
              {t.playground.sign}
            </Button>
          )}
          <Button onClick={send} busy={busy("send")}>
            {t.playground.send}
          </Button>
        </div>
      </form>
      {signed !== undefined && (
        <section class="card stack" aria-labelledby="base">
          <div>
            <h2 id="base">{t.playground.base}</h2>
            <p class="hint">
              {t.playground.baseText} {kind !== undefined && t.playground.form(kind.title, signed.full)}
            </p>
          </div>
          <pre class="code" tabIndex={0} aria-labelledby="base">
            {signed.base}
          </pre>
          <h2 id="request">{t.playground.request}</h2>
          <pre class="code" tabIndex={0} aria-labelledby="request">
            {[`${signed.method} ${signed.url}`, ...Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}`), ...(signed.body === undefined ? [] : ["", signed.body])].join("\n")}
          </pre>
        </section>
      )}
      {verdict !== undefined && <Decision verdict={verdict} by={by} />}
      {sent !== undefined && (
        <section class="card stack" aria-labelledby="answer">
          <div class="row apart">
            <h2 id="answer">{t.playground.answer}</h2>
            <Badge tone={sent.status < 400 ? "good" : "bad"}>{sent.status}</Badge>
          </div>
          <pre class="code" tabIndex={0} aria-labelledby="answer">
            {`${sent.headers}\n\n${sent.body}`}
          </pre>
        </section>
      )}
    </div>
  );
}

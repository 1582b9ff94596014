// Activation: `/device` with a typed code, and `/login?cli-token=` as Semgrep's client opens it. Nothing happens by
// opening the page; deciding is a POST with a fresh passkey.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { agentName } from "../agent";
import { call, credentialType } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { Asking, Caller } from "../api/types";
import type { Within } from "../app";
import { useDoing, useLoad } from "../hooks";
import { navigate } from "../router";
import { signOut } from "../session";
import { t } from "../text";
import { titleOf } from "../tokens/model";
import { Badge, Button, ButtonLink, Empty, Loading, Notice, PageHead, ProblemNotice } from "../ui/basics";
import { TextField, fault } from "../ui/fields";
import { Time } from "../ui/time";

type Code = { readonly user_code: string } | { readonly cli_token: string };

function codeOf(query: URLSearchParams): Code | undefined {
  const key = query.get("cli-token");
  if (key !== null && key !== "") return { cli_token: key };
  const code = query.get("user_code");
  return code === null || code === "" ? undefined : { user_code: code };
}

function Enter() {
  const [code, setCode] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    navigate(`/device?user_code=${encodeURIComponent(code.trim())}`);
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <TextField label={t.device.code} hint={t.device.codeHint} value={code} onInput={setCode} required mono maxLength={20} />
      <div>
        <Button type="submit" look="primary">
          {t.device.show}
        </Button>
      </div>
    </form>
  );
}

function Place({ caller, none }: { caller: Caller | null; none: string }): ComponentChildren {
  if (caller === null) return <span class="soft">{none}</span>;
  return (
    <>
      {caller.address == null ? t.device.unknownAddress : <span class="mono">{caller.address}</span>}
      {caller.user_agent != null && (
        <div class="hint break" title={caller.user_agent}>
          {agentName(caller.user_agent)}
        </div>
      )}
    </>
  );
}

/** What it could do, permission by permission: a scope's title alone says too little to decide by. */
function Permissions({ list }: { list: Asking["allows"] }) {
  return (
    <ul class="stack" role="list">
      {list.map(({ permission, description, sensitive }) => (
        <li key={permission}>
          {description} {sensitive && <Badge tone="warn">{t.create.sensitive}</Badge>}
          <div class="hint mono">{permission}</div>
        </li>
      ))}
    </ul>
  );
}

/** A bearer token is not enough to approve with: whoever took it could give themselves another that outlives it. */
function SignInFirst() {
  return (
    <div class="card stack">
      <Notice tone="accent" title={t.device.withPasskey}>
        {t.device.withPasskeyText}
      </Notice>
      <div>
        <Button look="primary" onClick={() => void signOut()}>
          {t.device.signIn}
        </Button>
      </div>
    </div>
  );
}

function Decide({ code, profile, onDecided }: { code: Code; profile: Within["profile"]; onDecided: (approved: boolean) => void }) {
  const asking = useLoad(JSON.stringify(code), (signal) => call<Asking>("GET", "/v1/device", { query: { ...code }, signal }));
  const [name, setName] = useState("");
  const approving = useDoing();
  const denying = useDoing();
  if (asking.data === undefined) {
    return asking.error === undefined ? (
      <div class="card flush">
        <Loading lines={4} />
      </div>
    ) : (
      <div class="stack">
        <ProblemNotice error={asking.error} />
        <Enter />
      </div>
    );
  }
  const { client_id, asked_scope, asked_from, you, expires_at, kind, scopes, permissions, allows, later, beyond_least, shown, refusal } = asking.data;
  const of = profile.kinds.find((one) => one.name === kind);
  const gets = [...scopes.map((one) => titleOf(profile.scopes, one)), ...permissions];
  const approve = (event: Event) => {
    event.preventDefault();
    if (unasked || outdated || refusal !== null || approving.busy || denying.busy) return;
    approving.run(async () => {
      await call("POST", "/v1/device/approve", { body: { ...code, ...(shown !== null && { shown }), ...(name.trim() !== "" && { name: name.trim() }) } });
      onDecided(true);
    });
  };
  const deny = () =>
    denying.run(async () => {
      await call("POST", "/v1/device/deny", { body: code });
      onDecided(false);
    });
  // A key that came with a link, with which nothing asks yet: whose it is cannot be seen, and the server refuses.
  const unasked = "cli_token" in code && asked_from === null;
  // What it asks for means something else by now, or somebody has decided: what stands here is no longer true.
  const outdated = approving.error instanceof ApiProblem && approving.error.code === "conflict";
  const lookAgain = () => {
    approving.clear();
    asking.reload();
  };
  const same = asked_from?.address != null && asked_from.address === you.address;
  return (
    <form class="card stack" onSubmit={approve}>
      <h2 class="break">{t.device.asks(client_id ?? t.device.unnamed)}</h2>
      <Notice tone="warn">{t.device.check}</Notice>
      {refusal !== null ? (
        <Notice tone="bad" title={t.device.refused}>
          {refusal}
        </Notice>
      ) : (
        beyond_least && (
          <Notice tone="warn" title={t.device.more}>
            {t.device.moreText}
          </Notice>
        )
      )}
      {unasked && <Notice title={t.device.startFirst}>{t.device.startFirstText}</Notice>}
      <dl class="facts">
        <dt>{t.device.asker}</dt>
        <dd>
          <Place caller={asked_from} none={t.device.unknownPlace} />
          {asked_from?.address != null && <Badge tone={same ? "good" : "warn"}>{same ? t.device.sameAddress : t.device.otherAddress}</Badge>}
        </dd>
        <dt>{t.device.you}</dt>
        <dd>
          <Place caller={you} none={t.device.unknownAddress} />
        </dd>
        {asked_scope !== null && (
          <>
            <dt>{t.device.wants}</dt>
            {/* The client's own words, whoever it is: text, and nothing else. */}
            <dd class="mono">{asked_scope}</dd>
          </>
        )}
        {refusal === null && (
          <>
            <dt>{t.device.gets}</dt>
            <dd>
              {of?.title ?? kind}
              {gets.length > 0 && <div class="hint">{gets.join(", ")}</div>}
            </dd>
            <dt>{t.device.may}</dt>
            <dd>
              {allows.length === 0 ? <span class="soft">{t.device.nothingNow}</span> : <Permissions list={allows} />}
            </dd>
            {later.length > 0 && (
              <>
                <dt>{t.device.later}</dt>
                <dd>
                  <Permissions list={later} />
                </dd>
              </>
            )}
          </>
        )}
        <dt>{t.device.ends}</dt>
        <dd>
          <Time at={expires_at} as="ago" />
        </dd>
      </dl>
      {refusal === null && (
        <TextField label={t.device.name} hint={t.device.nameHint} value={name} onInput={setName} error={fault(approving.error, "name")} maxLength={of?.naming.max ?? 255} />
      )}
      <ProblemNotice error={approving.error ?? denying.error} shown={["name"]} />
      <div class="row">
        {unasked || outdated ? (
          <Button look="primary" onClick={lookAgain}>
            {t.device.lookAgain}
          </Button>
        ) : (
          refusal === null && (
            <Button type="submit" look="primary" busy={approving.busy}>
              {t.device.approve}
            </Button>
          )
        )}
        <Button look="danger" busy={denying.busy} onClick={deny}>
          {t.device.deny}
        </Button>
      </div>
    </form>
  );
}

export function DevicePage({ profile, query }: Within & { query: URLSearchParams }) {
  const code = codeOf(query);
  const [decided, setDecided] = useState<boolean | undefined>(undefined);
  return (
    <div class="page narrow">
      <PageHead title={t.device.title} {...(code === undefined && { lead: t.device.lead })} />
      {decided !== undefined ? (
        <div class="card">
          <Empty
            icon={decided ? "check" : "cross"}
            title={decided ? t.device.approved : t.device.denied}
            action={<ButtonLink href="/tokens">{t.notFound.home}</ButtonLink>}
          >
            {decided ? t.device.approvedText : t.device.deniedText}
          </Empty>
        </div>
      ) : credentialType() === "token" ? (
        <SignInFirst />
      ) : code === undefined ? (
        <Enter />
      ) : (
        <Decide code={code} profile={profile} onDecided={setDecided} />
      )}
    </div>
  );
}

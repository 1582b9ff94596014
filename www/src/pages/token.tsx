// One token: what it is, what happened to it, and what can be done with it.

import { useState } from "preact/hooks";

import { call } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { CreatedToken, Held, Kind, Token } from "../api/types";
import type { Within } from "../app";
import { sentence } from "../explain";
import { useDoing, useLoad } from "../hooks";
import { may } from "../session";
import { t } from "../text";
import { RegenerateDialog, RevokeDialog, RotateDialog } from "../tokens/actions";
import { EditDialog } from "../tokens/edit";
import { titleOf } from "../tokens/model";
import { Granted, Status, ownerText } from "../tokens/shown";
import { Button, Failed, Loading, Notice, PageHead, ProblemNotice, toast } from "../ui/basics";
import { Once, SecretBox } from "../ui/secret";
import { Time } from "../ui/time";
import { ActivityTable } from "./activity";

type Open = "edit" | "rotate" | "regenerate" | "revoke";

/** When a change holds everywhere, once it does. */
function HoldsNotice({ held, revoked }: { held: Held; revoked: boolean }) {
  if (held.holds_everywhere_at === undefined) return null;
  return held.holds_everywhere_at === null ? (
    <Notice tone="warn" title={t.token.holdsUnknown} live />
  ) : (
    <Notice tone="good" title={revoked ? t.token.revokedDone : t.token.edited} live>
      {t.token.holdsAt} <Time at={held.holds_everywhere_at} as="minute" />.
    </Notice>
  );
}

function Facts({ token, kind, within }: { token: Token; kind: Kind | undefined; within: Within }) {
  const { me, profile } = within;
  const myself = me.principal.type === "member" ? me.principal.id : undefined;
  const creator = token.created_by;
  const uses = token.use_count;
  return (
    <dl class="facts">
      {token.description !== null && token.description !== "" && (
        <>
          <dt>{t.token.description}</dt>
          <dd>{token.description}</dd>
        </>
      )}
      <dt>{t.token.kind}</dt>
      <dd>
        {kind?.title ?? token.kind}
        {kind !== undefined && <div class="hint">{sentence(kind.description)}</div>}
      </dd>
      {token.fingerprint === null ? (
        <>
          <dt>{t.token.prefix}</dt>
          <dd class="mono">{token.prefix}…</dd>
        </>
      ) : (
        <>
          <dt>{t.token.fingerprint}</dt>
          <dd class="mono">
            {me.organization.short_id}.{token.fingerprint}
          </dd>
        </>
      )}
      <dt>{t.token.owner}</dt>
      <dd>{ownerText(token, myself)}</dd>
      <dt>{t.token.createdBy}</dt>
      <dd>
        {creator?.member?.name ?? t.common.none}
        {creator?.token != null && <span class="soft"> {t.token.createdWith}</span>}
      </dd>
      <dt>{t.token.grants}</dt>
      <dd>
        <Granted token={token} profile={profile} />
        {kind !== undefined && (
          <div class="hint">
            {t.token.ceiling} {t.token.ceilings[kind.ceiling]}.
          </div>
        )}
      </dd>
      {token.service !== null && (
        <>
          <dt>{t.token.service}</dt>
          <dd>{titleOf(profile.services, token.service)}</dd>
        </>
      )}
      {kind?.passphrase != null && (
        <>
          <dt>{t.token.passphrase}</dt>
          <dd>{token.has_passphrase ? t.token.hasPassphrase : t.token.noPassphrase}</dd>
        </>
      )}
      <dt>{t.token.created}</dt>
      <dd>
        <Time at={token.created_at} as="minute" />
      </dd>
      {token.not_before !== null && (
        <>
          <dt>{t.token.notBefore}</dt>
          <dd>
            <Time at={token.not_before} as="minute" />
          </dd>
        </>
      )}
      <dt>{t.token.expires}</dt>
      <dd>
        <Time at={token.expires_at} as="minute" />
      </dd>
      {token.revoked_at !== null && (
        <>
          <dt>{t.token.revoked}</dt>
          <dd>
            <Time at={token.revoked_at} as="minute" />
          </dd>
        </>
      )}
      {kind?.counts.includes("last_used") === true && (
        <>
          <dt>{t.token.lastUsed}</dt>
          <dd>
            <Time at={token.last_used_at} as="minute" none={t.tokens.notUsed} />
            {token.last_used_ip !== null && <span class="soft"> {t.token.from(token.last_used_ip)}</span>}
            {token.last_used_agent !== null && <span class="soft">, {token.last_used_agent}</span>}
          </dd>
        </>
      )}
      {uses !== null && (
        <>
          <dt>{t.token.uses}</dt>
          <dd>{t.token.usesTimes(uses)}</dd>
        </>
      )}
    </dl>
  );
}

export function TokenPage({ id, ...within }: Within & { id: string }) {
  const { me, profile } = within;
  const [open, setOpen] = useState<Open | undefined>(undefined);
  const [held, setHeld] = useState<Held>({});
  const [renewed, setRenewed] = useState<CreatedToken | undefined>(undefined);
  const loaded = useLoad(id, (signal) => call<Token>("GET", `/v1/tokens/${encodeURIComponent(id)}`, { signal }));
  const switching = useDoing();
  const back = { href: "/tokens", text: t.token.back };
  const token = loaded.data;
  if (token === undefined && loaded.error instanceof ApiProblem && loaded.error.code === "not_found") {
    return (
      <div class="page">
        <PageHead title={t.token.notFound} back={back} />
        <Notice tone="bad" live>
          {t.token.notFoundText}
        </Notice>
      </div>
    );
  }
  if (token === undefined) {
    return (
      <div class="page">
        <PageHead title={t.tokens.title} back={back} />
        {loaded.error === undefined ? <div class="card flush"><Loading /></div> : <Failed error={loaded.error} onRetry={loaded.reload} />}
      </div>
    );
  }
  const kind = profile.kinds.find(({ name }) => name === token.kind);
  const close = () => setOpen(undefined);
  const changed = (answer: Held) => {
    setHeld(answer);
    // What only widens holds soon, and there is nothing to wait for.
    if (answer.holds_everywhere_at === undefined) toast(t.token.edited);
    close();
    loaded.reload();
  };
  const renew = (answer: CreatedToken) => {
    setHeld({});
    setRenewed(answer);
    close();
  };
  if (renewed?.secret !== undefined) {
    return (
      <div class="page narrow">
        <PageHead title={t.token.newSecretTitle} lead={token.name} />
        <div class="card">
          <Once
            done={t.create.done}
            onDone={() => {
              setRenewed(undefined);
              loaded.reload();
            }}
          >
            <SecretBox text={renewed.secret} label={t.once.secret} />
          </Once>
        </div>
      </div>
    );
  }
  const alive = token.revoked_at === null;
  const bearer = token.fingerprint === null;
  const turn = () =>
    switching.run(async () => {
      const answer = await call<Token & Held>("PATCH", `/v1/tokens/${token.id}`, { body: { active: token.status === "inactive" } });
      changed(answer);
    });
  return (
    <div class="page">
      <PageHead title={token.name} back={back} lead={<Status token={token} kind={kind} />}>
        {alive && kind !== undefined && kind.edit.length > 0 && <Button onClick={() => setOpen("edit")}>{t.token.edit}</Button>}
        {alive && kind?.edit.includes("active") === true && ["active", "inactive"].includes(token.status) && (
          <Button busy={switching.busy} onClick={turn}>
            {token.status === "inactive" ? t.token.switchOn : t.token.switchOff}
          </Button>
        )}
        {alive && bearer && kind?.rotate != null && <Button onClick={() => setOpen("rotate")}>{t.token.rotate}</Button>}
        {alive && bearer && kind?.regenerate === true && <Button onClick={() => setOpen("regenerate")}>{t.token.regenerate}</Button>}
        {alive && (
          <Button look="danger" onClick={() => setOpen("revoke")}>
            {t.token.revoke}
          </Button>
        )}
      </PageHead>
      {switching.busy && <Notice tone="accent" live>{t.token.holding}</Notice>}
      <ProblemNotice error={switching.error} />
      <HoldsNotice held={held} revoked={!alive} />
      <section class="card" aria-labelledby="facts">
        <h2 id="facts">{t.token.facts}</h2>
        <Facts token={token} kind={kind} within={within} />
      </section>
      {may(me, "activity:view") && (
        <section class="stack" aria-labelledby="happened">
          <h2 id="happened">{t.token.activity}</h2>
          <ActivityTable key={`${token.status} ${token.expires_at} ${token.prefix}`} within={within} filters={{ token: token.id }} />
        </section>
      )}
      {open === "edit" && kind !== undefined && <EditDialog token={token} kind={kind} profile={profile} onClose={close} onDone={changed} />}
      {open === "rotate" && kind?.rotate != null && <RotateDialog token={token} rules={kind.rotate} onClose={close} onDone={renew} />}
      {open === "regenerate" && kind !== undefined && <RegenerateDialog token={token} kind={kind} onClose={close} onDone={renew} />}
      {open === "revoke" && <RevokeDialog token={token} profile={profile} onClose={close} onDone={changed} />}
    </div>
  );
}

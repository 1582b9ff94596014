// One's own passkeys and sessions, and the keys that this browser keeps.

import { useState } from "preact/hooks";

import { agentName } from "../agent";
import { call, credentialType } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { Identity, Page, Passkey, SessionItem } from "../api/types";
import type { Within } from "../app";
import { useDoing, useLoad } from "../hooks";
import * as kept from "../keys/kept";
import { linkAtProvider, provider } from "../provider";
import { Link } from "../router";
import { session, signOut } from "../session";
import { useStore } from "../store";
import { t } from "../text";
import { Badge, Button, Dialog, Failed, Loading, Notice, PageHead, ProblemNotice, toast } from "../ui/basics";
import { TextField } from "../ui/fields";
import { Icon } from "../ui/icons";
import { Once } from "../ui/secret";
import { Time } from "../ui/time";
import { RecoveryCodes, makePasskey, ownName } from "./passkey";
import { VisitNotice } from "./sign-in";

function Confirm({ title, text, submit, run, onClose }: { title: string; text: string; submit: string; run: () => Promise<void>; onClose: () => void }) {
  const doing = useDoing();
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <ProblemNotice error={doing.error} />
      <div class="row end">
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <Button look="primary danger" busy={doing.busy} onClick={() => doing.run(run)}>
          {submit}
        </Button>
      </div>
    </Dialog>
  );
}

function LastUsed({ at }: { at: string | null }) {
  if (at === null) return <>{t.account.neverUsed}</>;
  return (
    <>
      {t.account.lastUsed} <Time at={at} as="since" />
    </>
  );
}

/** A token gives its member the first way to sign in, and changes none after it. */
function needsPerson(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === "insufficient_permission" && error.required === "session" && credentialType() === "token";
}

/** Loads the page anew, which forgets the token, and asks first where something is shown once. */
function InPerson({ title }: { title: string }) {
  return (
    <Notice tone="accent" title={title} live>
      <p>{t.account.inPersonText}</p>
      <p>
        <a href="/sign-in?next=/account">{t.account.inPersonLink}</a>
      </p>
    </Notice>
  );
}

function AddPasskey({ onClose, onDone }: { onClose: () => void; onDone: (codes: readonly string[]) => void }) {
  const [name, setName] = useState(ownName());
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (!busy) run(async () => onDone(await makePasskey(name.trim())));
  };
  return (
    <Dialog title={t.account.addTitle} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <TextField label={t.account.addName} hint={t.account.addNameHint} value={name} onInput={setName} required maxLength={64} />
        <ProblemNotice error={error} />
        <div class="row end">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" look="primary" busy={busy}>
            {t.account.addSubmit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Passkeys() {
  const list = useLoad("passkeys", (signal) => call<Page<Passkey>>("GET", "/v1/passkeys", { signal }));
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Passkey | undefined>(undefined);
  const [renewing, setRenewing] = useState(false);
  const [codes, setCodes] = useState<readonly string[]>([]);
  const items = list.data?.items;
  const closed = needsPerson(list.error);
  return (
    <section class="card stack" aria-labelledby="passkeys">
      <div class="row apart">
        <div>
          <h2 id="passkeys">{t.account.passkeys}</h2>
          <p class="hint">{t.account.passkeysText}</p>
        </div>
        <div class="row">
          {items !== undefined && items.length > 0 && <Button onClick={() => setRenewing(true)}>{t.account.renewCodes}</Button>}
          {!closed && (
            <Button onClick={() => setAdding(true)}>
              <Icon name="plus" />
              {t.account.add}
            </Button>
          )}
        </div>
      </div>
      {codes.length > 0 && (
        <>
          <h3>{t.account.codesTitle}</h3>
          <Once onDone={() => setCodes([])} done={t.create.done}>
            <p>{t.setup.codesLead}</p>
            <RecoveryCodes codes={codes} />
          </Once>
        </>
      )}
      {closed && <InPerson title={t.account.fromNowOn} />}
      {list.error !== undefined && !closed && <Failed error={list.error} onRetry={list.reload} />}
      {items === undefined && list.error === undefined && <Loading lines={2} />}
      {items !== undefined && items.length === 0 && <p class="soft">{t.account.noPasskeys}</p>}
      {items !== undefined && items.length > 0 && (
        <ul class="stack" role="list">
          {items.map((passkey) => (
            <li class="row apart entry" key={passkey.id}>
              <div class="break">
                <strong>{passkey.name}</strong>
                <div class="hint">
                  {t.account.made} <Time at={passkey.created_at} /> · <LastUsed at={passkey.last_used_at} />
                </div>
              </div>
              <Button look="small danger" onClick={() => setRemoving(passkey)} label={t.account.removeNamed(passkey.name)}>
                {t.account.remove}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {renewing && (
        <Confirm
          title={t.account.renewTitle}
          text={t.account.renewText}
          submit={t.account.renewCodes}
          onClose={() => setRenewing(false)}
          run={async () => {
            const made = await call<{ recovery_codes: readonly string[] }>("POST", "/v1/passkeys/recovery-codes", { body: {} });
            setRenewing(false);
            setCodes(made.recovery_codes);
          }}
        />
      )}
      {adding && (
        <AddPasskey
          onClose={() => setAdding(false)}
          onDone={(made) => {
            setAdding(false);
            setCodes(made);
            toast(t.account.added);
            list.reload();
          }}
        />
      )}
      {removing !== undefined && (
        <Confirm
          title={t.account.removeTitle(removing.name)}
          text={t.account.removeText}
          submit={t.account.remove}
          onClose={() => setRemoving(undefined)}
          run={async () => {
            await call("DELETE", `/v1/passkeys/${removing.id}`);
            setRemoving(undefined);
            toast(t.account.removed);
            list.reload();
          }}
        />
      )}
    </section>
  );
}

/** Who one is at the provider of identities. */
function Identities({ name }: { name: string }) {
  const list = useLoad("identities", (signal) => call<Page<Identity>>("GET", "/v1/identities", { signal }));
  const [removing, setRemoving] = useState<Identity | undefined>(undefined);
  const linking = useDoing();
  const items = list.data?.items;
  return (
    <section class="card stack" aria-labelledby="identities">
      <div class="row apart">
        <div>
          <h2 id="identities">{name}</h2>
          <p class="hint">{t.account.identitiesText}</p>
        </div>
        {items?.length === 0 && (
          <Button busy={linking.busy} onClick={() => linking.run(() => linkAtProvider("/account"))}>
            <Icon name="plus" />
            {t.account.link}
          </Button>
        )}
      </div>
      {list.error !== undefined && <Failed error={list.error} onRetry={list.reload} />}
      <ProblemNotice error={linking.error} />
      {items === undefined && list.error === undefined && <Loading lines={1} />}
      {items?.length === 0 && <p class="soft">{t.account.notLinked}</p>}
      {items !== undefined && items.length > 0 && (
        <ul class="stack" role="list">
          {items.map((identity) => (
            <li class="row apart entry" key={identity.id}>
              <div class="break">
                <strong>{identity.email ?? identity.issuer}</strong>
                <div class="hint">
                  {t.account.linked} <Time at={identity.created_at} /> · <LastUsed at={identity.last_used_at} />
                </div>
              </div>
              <Button look="small danger" onClick={() => setRemoving(identity)} label={t.account.unlinkNamed(name)}>
                {t.account.unlink}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {removing !== undefined && (
        <Confirm
          title={t.account.unlinkTitle(name)}
          text={t.account.unlinkText}
          submit={t.account.unlink}
          onClose={() => setRemoving(undefined)}
          run={async () => {
            await call("DELETE", `/v1/identities/${removing.id}`);
            setRemoving(undefined);
            toast(t.account.unlinked);
            list.reload();
          }}
        />
      )}
    </section>
  );
}

function Sessions() {
  const list = useLoad("sessions", (signal) => call<Page<SessionItem>>("GET", "/v1/sessions", { signal }));
  const ending = useDoing();
  const items = list.data?.items;
  const end = (item: SessionItem) =>
    ending.run(async () => {
      if (item.current && credentialType() === "session") {
        await signOut();
        return;
      }
      await call("DELETE", `/v1/sessions/${item.id}`);
      toast(t.account.ended);
      list.reload();
    });
  return (
    <section class="card stack" aria-labelledby="sessions">
      <div>
        <h2 id="sessions">{t.account.sessions}</h2>
        <p class="hint">{t.account.sessionsText}</p>
      </div>
      {list.error !== undefined && <Failed error={list.error} onRetry={list.reload} />}
      <ProblemNotice error={ending.error} />
      {items === undefined && list.error === undefined && <Loading lines={2} />}
      {items !== undefined && items.length === 0 && <p class="soft">{t.account.noSessions}</p>}
      {items !== undefined && items.length > 0 && (
        <ul class="stack" role="list">
          {items.map((item) => (
            <li class="row apart entry" key={item.id}>
              <div class="break">
                <strong title={item.user_agent ?? undefined}>{agentName(item.user_agent)}</strong> {item.current && <Badge tone="accent">{t.account.current}</Badge>}
                <div class="hint">
                  {t.account.methods[item.method]} · {item.address ?? t.device.unknownAddress} · <LastUsed at={item.last_used_at ?? item.created_at} />
                </div>
              </div>
              <Button look="small danger" busy={ending.busy} onClick={() => end(item)} label={t.account.endNamed(agentName(item.user_agent))}>
                {t.account.end}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function nameOf({ token, fingerprint }: kept.KeptKey): string {
  return token?.name ?? `${fingerprint.slice(0, 8)}…`;
}

function Keys({ organization }: { organization: string }) {
  const list = useLoad("keys", (signal) => kept.kept(organization, signal));
  const [forgetting, setForgetting] = useState<kept.KeptKey | undefined>(undefined);
  return (
    <section class="card stack" aria-labelledby="keys">
      <div>
        <h2 id="keys">{t.account.keys}</h2>
        <p class="hint">{t.account.keysText}</p>
      </div>
      {list.error !== undefined && <Failed error={list.error} onRetry={list.reload} />}
      {list.data === undefined && list.error === undefined && <Loading lines={1} />}
      {list.data?.length === 0 && <p class="soft">{t.account.noKeys}</p>}
      {list.data !== undefined && list.data.length > 0 && (
      <ul class="stack" role="list">
        {list.data.map((key) => (
          <li class="row apart entry" key={key.keyid}>
            <div class="break">
              {key.token === undefined ? <strong>{t.account.noToken}</strong> : <Link href={`/tokens/${key.token.id}`}>{key.token.name}</Link>}
              {key.token !== undefined && key.token.status !== "active" && <Badge tone="warn">{t.status[key.token.status] ?? key.token.status}</Badge>}
              <div class="hint mono">{key.keyid}</div>
            </div>
            <Button look="small danger" onClick={() => setForgetting(key)} label={t.account.forgetNamed(nameOf(key))}>
              {t.account.forget}
            </Button>
          </li>
        ))}
      </ul>
      )}
      {forgetting !== undefined && (
        <Confirm
          title={t.account.forgetTitle(nameOf(forgetting))}
          text={t.account.forgetText}
          submit={t.account.forget}
          onClose={() => setForgetting(undefined)}
          run={async () => {
            await kept.forget(forgetting.keyid);
            setForgetting(undefined);
            toast(t.account.forgotten);
            list.reload();
          }}
        />
      )}
    </section>
  );
}

/** Passkeys and sessions, where the server has them. */
function SignIn() {
  const found = useLoad("provider", provider);
  const offered = useLoad("offered", async (signal) => {
    try {
      await call("GET", "/v1/passkeys", { signal });
      return "here";
    } catch (error) {
      if (needsPerson(error)) return "in person";
      // What else went wrong is said by the lists themselves.
      return error instanceof ApiProblem && error.code === "not_found" ? "absent" : "here";
    }
  });
  if (offered.data === undefined) {
    return (
      <div class="card flush">
        <Loading lines={3} />
      </div>
    );
  }
  if (offered.data === "absent") return <Notice tone="accent">{t.account.notHere}</Notice>;
  if (offered.data === "in person") return <InPerson title={t.account.inPerson} />;
  return (
    <>
      <Passkeys />
      {found.data !== undefined && <Identities name={found.data.name} />}
      <Sessions />
    </>
  );
}

export function AccountPage({ me, query }: Within & { query: URLSearchParams }) {
  const state = useStore(session);
  const recovered = state.state === "in" && state.recovered === true;
  return (
    <div class="page narrow">
      <PageHead title={t.account.title} lead={t.account.lead} />
      <VisitNotice query={query} />
      {recovered && (
        <Notice tone="warn" title={t.signIn.firstPasskey}>
          <p>{t.signIn.firstPasskeyText}</p>
        </Notice>
      )}
      {me.principal.type === "member" ? (
        <SignIn />
      ) : (
        <Notice tone="accent" title={t.account.notMember} />
      )}
      <Keys organization={me.organization.short_id} />
    </div>
  );
}

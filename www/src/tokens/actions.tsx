// What ends or replaces a secret: each asks first, and says what will stop.

import { useState } from "preact/hooks";

import { call } from "../api/client";
import type { CreatedToken, Held, Kind, Profile, Token } from "../api/types";
import { useDoing } from "../hooks";
import { t } from "../text";
import { Button, Dialog, Notice, ProblemNotice } from "../ui/basics";
import { Group, TextField, fault } from "../ui/fields";
import { duration, relative } from "../ui/time";
import { ExpiryField, type Expiry, expiryAt, firstExpiry } from "./expiry";
import { titleOf } from "./model";

interface Common<T> {
  readonly token: Token;
  readonly onClose: () => void;
  readonly onDone: (answer: T) => void;
}

function Ends({ busy, onClose, submit, danger = false }: { busy: boolean; onClose: () => void; submit: string; danger?: boolean }) {
  return (
    <>
      {busy && <Notice tone="accent" live>{t.token.holding}</Notice>}
      <div class="row end">
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <Button type="submit" look={danger ? "primary danger" : "primary"} busy={busy}>
          {submit}
        </Button>
      </div>
    </>
  );
}

export function RevokeDialog({ token, profile, onClose, onDone }: Common<Token & Held> & { profile: Profile }) {
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (!busy) run(async () => onDone(await call<Token & Held>("DELETE", `/v1/tokens/${token.id}`)));
  };
  const used = token.last_used_at === null ? undefined : relative(new Date(token.last_used_at), new Date());
  return (
    <Dialog title={t.token.revokeTitle(token.name)} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <div>
          <p>{t.token.revokeStops}</p>
          <ul>
            <li>{used === undefined ? t.token.revokeUnused : token.use_count === null ? t.token.revokeUsed(used) : t.token.revokeUses(token.use_count, used)}</li>
            {token.owner.type === "member" && <li>{t.token.revokeOwner(token.owner.name)}</li>}
            {token.service !== null && <li>{t.token.revokeService(titleOf(profile.services, token.service))}</li>}
          </ul>
        </div>
        <Notice tone="warn">{t.token.revokeForever}</Notice>
        <ProblemNotice error={error} />
        <Ends busy={busy} onClose={onClose} submit={t.token.revokeConfirm} danger />
      </form>
    </Dialog>
  );
}

/** Times of grace that are offered, in seconds. */
const GRACES = [0, 3_600, 86_400, 604_800];

export function RotateDialog({ token, rules, onClose, onDone }: Common<CreatedToken> & { rules: NonNullable<Kind["rotate"]> }) {
  const offered = GRACES.filter((seconds) => seconds <= rules.max_grace_seconds);
  const [grace, setGrace] = useState(offered.includes(rules.default_grace_seconds) ? rules.default_grace_seconds : 0);
  const [hours, setHours] = useState<string | undefined>(undefined);
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const grace_seconds = hours === undefined ? grace : Math.round(Number(hours) * 3_600);
      onDone(await call<CreatedToken>("POST", `/v1/tokens/${token.id}/rotate`, { body: { grace_seconds } }));
    });
  };
  return (
    <Dialog title={t.token.rotateTitle} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>{t.token.rotateText}</p>
        <Group label={t.token.grace} hint={t.token.graceHint} error={fault(error, "grace_seconds")}>
          <div class="chips">
            {offered.map((seconds) => (
              <label class="chip" key={seconds}>
                <input
                  type="radio"
                  name="grace"
                  checked={hours === undefined && grace === seconds}
                  onChange={() => {
                    setHours(undefined);
                    setGrace(seconds);
                  }}
                />
                <span>{seconds === 0 ? t.token.graceNone : duration(seconds)}</span>
              </label>
            ))}
            <label class="chip">
              <input type="radio" name="grace" checked={hours !== undefined} onChange={() => setHours("12")} />
              <span>{t.token.graceCustom}</span>
            </label>
          </div>
        </Group>
        {hours !== undefined && <TextField label={t.token.graceCustom} type="number" value={hours} onInput={setHours} required min="0" max={String(Math.floor(rules.max_grace_seconds / 3_600))} />}
        <ProblemNotice error={error} shown={["grace_seconds"]} />
        <Ends busy={busy} onClose={onClose} submit={t.token.rotateConfirm} />
      </form>
    </Dialog>
  );
}

export function RegenerateDialog({ token, kind, onClose, onDone }: Common<CreatedToken> & { kind: Kind }) {
  const [expiry, setExpiry] = useState<Expiry>(firstExpiry(kind, new Date()));
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = { expires_at: expiryAt(expiry, new Date()) };
      onDone(await call<CreatedToken>("POST", `/v1/tokens/${token.id}/regenerate`, { body }));
    });
  };
  return (
    <Dialog title={t.token.regenerateTitle} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>{t.token.regenerateText}</p>
        <ExpiryField kind={kind} value={expiry} onChange={setExpiry} error={fault(error, "expires_at")} />
        <ProblemNotice error={error} shown={["expires_at"]} />
        <Ends busy={busy} onClose={onClose} submit={t.token.regenerateConfirm} danger />
      </form>
    </Dialog>
  );
}

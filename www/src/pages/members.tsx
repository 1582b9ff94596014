// Members: roles, suspension, removal, and invitations by link.

import { useState } from "preact/hooks";

import { call } from "../api/client";
import type { Invitation, Member, Page } from "../api/types";
import type { Within } from "../app";
import { useDoing, useLoad, useSettled } from "../hooks";
import { provider } from "../provider";
import { may } from "../session";
import { t } from "../text";
import { titleOf } from "../tokens/model";
import { Badge, Button, Dialog, Empty, Failed, Loading, Notice, PageHead, ProblemNotice, type Tone, toast } from "../ui/basics";
import { SelectField, TextField, fault } from "../ui/fields";
import { Filters } from "../ui/filters";
import { Icon } from "../ui/icons";
import { SecretBox } from "../ui/secret";
import { Time } from "../ui/time";

const PAGE = 50;
const SETTLE_MILLIS = 250;
const TONES: Record<string, Tone> = { active: "good", suspended: "warn", removed: "bad" };

/** Roles that the one who asks may give: none above their own. The server decides; this only does not offer them. */
function givable({ me, profile }: Within) {
  const mine = profile.roles.find(({ name }) => name === me.principal.role)?.rank ?? 0;
  return profile.roles.filter(({ rank }) => rank <= mine).map(({ name, title }) => ({ value: name, text: title }));
}

function EditMember({ member, within, onClose, onDone }: { member: Member; within: Within; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(member.name);
  const [email, setEmail] = useState(member.email);
  const [role, setRole] = useState(member.role);
  const [status, setStatus] = useState<string>(member.status);
  const { busy, error, run } = useDoing();
  const roles = givable(within);
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = {
        ...(name !== member.name && { name }),
        ...(email !== member.email && { email }),
        ...(role !== member.role && { role }),
        ...(status !== member.status && { status }),
      };
      if (Object.keys(body).length > 0) await call("PATCH", `/v1/members/${member.id}`, { body });
      toast(t.members.saved);
      onDone();
    });
  };
  return (
    <Dialog title={t.members.editTitle(member.name)} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <TextField label={t.members.name} value={name} onInput={setName} error={fault(error, "name")} required maxLength={255} />
        <TextField label={t.members.email} type="email" value={email} onInput={setEmail} error={fault(error, "email")} required maxLength={254} />
        <SelectField
          label={t.members.role}
          value={role}
          onChange={setRole}
          error={fault(error, "role")}
          options={roles.some(({ value }) => value === member.role) ? roles : [{ value: member.role, text: titleOf(within.profile.roles, member.role) }, ...roles]}
        />
        <SelectField
          label={t.members.status}
          hint={t.members.statusHint}
          value={status}
          onChange={setStatus}
          error={fault(error, "status")}
          options={["active", "suspended"].map((value) => ({ value, text: t.members.statuses[value] ?? value }))}
        />
        <ProblemNotice error={error} shown={["name", "email", "role", "status"]} />
        {busy && <Notice tone="accent" live>{t.token.holding}</Notice>}
        <div class="row end">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" look="primary" busy={busy}>
            {t.common.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveMember({ member, onClose, onDone }: { member: Member; onClose: () => void; onDone: () => void }) {
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      await call("DELETE", `/v1/members/${member.id}`);
      toast(t.members.removed(member.name));
      onDone();
    });
  };
  return (
    <Dialog title={t.members.removeTitle(member.name)} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>{t.members.removeText}</p>
        <ProblemNotice error={error} />
        {busy && <Notice tone="accent" live>{t.token.holding}</Notice>}
        <div class="row end">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" look="primary danger" busy={busy}>
            {t.members.removeConfirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Invite({ within, onClose }: { within: Within; onClose: (invited: boolean) => void }) {
  const roles = givable(within);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState(roles.at(-1)?.value ?? "");
  const [link, setLink] = useState<string | undefined>(undefined);
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      const body = { email: email.trim(), role };
      setLink((await call<{ link: string }>("POST", "/v1/invitations", { body })).link);
    });
  };
  if (link !== undefined) {
    return (
      <Dialog title={t.members.inviteDone(email)} onClose={() => onClose(true)}>
        <SecretBox text={link} label={t.members.inviteLink} copy={t.members.copyLink} />
        <div class="row end">
          <Button look="primary" onClick={() => onClose(true)}>
            {t.common.close}
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t.members.inviteTitle} onClose={() => onClose(false)}>
      <form class="stack" onSubmit={submit}>
        <p>{t.members.inviteText}</p>
        <TextField label={t.members.email} type="email" value={email} onInput={setEmail} error={fault(error, "email")} required maxLength={254} />
        <SelectField label={t.members.role} value={role} onChange={setRole} error={fault(error, "role")} required options={roles} />
        <ProblemNotice error={error} shown={["email", "role"]} />
        <div class="row end">
          <Button onClick={() => onClose(false)}>{t.common.cancel}</Button>
          <Button type="submit" look="primary" busy={busy}>
            {t.members.inviteSubmit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Invitations({ within, turn, onChanged }: { within: Within; turn: number; onChanged: () => void }) {
  const [revoking, setRevoking] = useState<Invitation | undefined>(undefined);
  const list = useLoad(`invitations ${turn}`, (signal) => call<Page<Invitation>>("GET", "/v1/invitations", { signal }));
  const open = (list.data?.items ?? []).filter(({ status }) => status === "open");
  if (list.error !== undefined) return <Failed error={list.error} onRetry={list.reload} />;
  if (open.length === 0) return null;
  return (
    <section class="stack" aria-labelledby="invitations">
      <h2 id="invitations">{t.members.invitations}</h2>
      <div class="card flush">
        <div class="table-frame">
        <table class="table cards">
          <caption class="hidden">{t.members.invitedTable}</caption>
          <thead>
            <tr>
              <th scope="col">{t.members.email}</th>
              <th scope="col">{t.members.role}</th>
              <th scope="col">{t.members.invitedUntil}</th>
              <th scope="col">
                <span class="hidden">{t.members.columns.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {open.map((invitation) => (
              <tr key={invitation.id}>
                <td class="cell-name">{invitation.email}</td>
                <td data-label={t.members.role}>{titleOf(within.profile.roles, invitation.role)}</td>
                <td data-label={t.members.invitedUntil}>
                  <Time at={invitation.expires_at} as="minute" />
                </td>
                <td class="cell-actions">
                  <div class="row end">
                    <Button look="small danger" onClick={() => setRevoking(invitation)} label={t.members.revokeInvitationOf(invitation.email)}>
                      {t.members.revokeInvitation}
                    </Button>
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        </div>
      </div>
      {revoking !== undefined && (
        <RevokeInvitation
          invitation={revoking}
          onClose={() => setRevoking(undefined)}
          onDone={() => {
            setRevoking(undefined);
            onChanged();
          }}
        />
      )}
    </section>
  );
}

function RevokeInvitation({ invitation, onClose, onDone }: { invitation: Invitation; onClose: () => void; onDone: () => void }) {
  const { busy, error, run } = useDoing();
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    run(async () => {
      await call("DELETE", `/v1/invitations/${invitation.id}`);
      toast(t.members.invitationRevoked(invitation.email));
      onDone();
    });
  };
  return (
    <Dialog title={t.members.revokeInvitationTitle(invitation.email)} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>{t.members.revokeInvitationText}</p>
        <ProblemNotice error={error} />
        <div class="row end">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" look="primary danger" busy={busy}>
            {t.members.revokeInvitation}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** How the provider's word counts, for whoever may see the organisation's rules. */
function SignInRules({ within, name }: { within: Within; name: string }) {
  const rules = useLoad("sign-in", (signal) => call<{ link_by_email: boolean }>("GET", "/v1/sign-in", { signal }));
  const { busy, error, run } = useDoing();
  if (rules.error !== undefined) return <Failed error={rules.error} onRetry={rules.reload} />;
  if (rules.data === undefined) return null;
  const { link_by_email } = rules.data;
  return (
    <section class="card stack" aria-labelledby="sign-in-rules">
      <div class="row apart">
        <div>
          <h2 id="sign-in-rules">{t.members.signIn(name)}</h2>
          <p class="hint">{link_by_email ? t.members.byAddress : t.members.notByAddress}</p>
        </div>
        {may(within.me, "profile:edit") && (
          <Button
            busy={busy}
            onClick={() =>
              run(async () => {
                await call("PUT", "/v1/sign-in", { body: { link_by_email: !link_by_email } });
                toast(t.members.saved);
                rules.reload();
              })
            }
          >
            {link_by_email ? t.members.stopAddresses : t.members.goByAddresses}
          </Button>
        )}
      </div>
      <ProblemNotice error={error} />
    </section>
  );
}

export function MembersPage(within: Within) {
  const { me, profile } = within;
  const [search, setSearch] = useState("");
  const q = useSettled(search, SETTLE_MILLIS);
  const [role, setRole] = useState("");
  const [status, setStatus] = useState("");
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [editing, setEditing] = useState<Member | undefined>(undefined);
  const [removing, setRemoving] = useState<Member | undefined>(undefined);
  const [inviting, setInviting] = useState(false);
  const [turn, setTurn] = useState(0);
  const found = useLoad("provider", provider);
  const cursor = cursors.at(-1);
  const list = useLoad(JSON.stringify([q, role, status, cursor, turn]), (signal) =>
    call<Page<Member>>("GET", "/v1/members", { query: { q, role, status, cursor, limit: String(PAGE) }, signal }),
  );
  const myself = me.principal.type === "member" ? me.principal.id : undefined;
  const any = { value: "", text: t.common.any };
  const again = () => {
    setEditing(undefined);
    setRemoving(undefined);
    setTurn(turn + 1);
  };
  const clear = () => {
    setSearch("");
    setRole("");
    setStatus("");
    setCursors([]);
  };
  const items = list.data?.items;
  return (
    <div class="page">
      <PageHead title={t.members.title} lead={t.members.lead}>
        {may(me, "members:invite") && (
          <Button look="primary" onClick={() => setInviting(true)}>
            <Icon name="plus" />
            {t.members.invite}
          </Button>
        )}
      </PageHead>
      <Filters
        search={<TextField label={t.members.search} type="search" look="search" value={search} onInput={setSearch} placeholder={t.members.searchPlaceholder} />}
        set={[role, status].filter((one) => one !== "").length}
      >
        <SelectField label={t.members.role} value={role} onChange={setRole} options={[any, ...profile.roles.map(({ name, title }) => ({ value: name, text: title }))]} />
        <SelectField
          label={t.members.status}
          value={status}
          onChange={setStatus}
          options={[any, ...Object.entries(t.members.statuses).map(([value, text]) => ({ value, text }))]}
        />
      </Filters>
      {list.error !== undefined && <Failed error={list.error} onRetry={list.reload} />}
      {items === undefined && list.error === undefined && (
        <div class="card flush">
          <Loading />
        </div>
      )}
      {items !== undefined && items.length === 0 && (
        <div class="card">
          <Empty icon="members" title={t.tokens.noMatchTitle} action={<Button onClick={clear}>{t.tokens.clear}</Button>}>
            {t.members.none}
          </Empty>
        </div>
      )}
      {items !== undefined && items.length > 0 && (
        <div class="card flush" aria-busy={list.loading}>
          <div class="table-frame">
            <table class="table cards">
              <caption class="hidden">{t.members.table}</caption>
              <thead>
                <tr>
                  <th scope="col">{t.members.columns.name}</th>
                  <th scope="col">{t.members.columns.role}</th>
                  <th scope="col">{t.members.columns.status}</th>
                  <th scope="col">{t.members.columns.since}</th>
                  <th scope="col">
                    <span class="hidden">{t.members.columns.actions}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map((member) => (
                  <tr key={member.id}>
                    <td class="cell-name">
                      <strong>{member.name}</strong>
                      {member.id === myself && <span class="soft"> ({t.common.you})</span>}
                      <div class="soft small-text break">{member.email}</div>
                    </td>
                    <td data-label={t.members.columns.role}>
                      <span>{titleOf(profile.roles, member.role)}</span>
                    </td>
                    <td data-label={t.members.columns.status}>
                      <span>
                        <Badge tone={TONES[member.status] ?? "neutral"}>{t.members.statuses[member.status] ?? member.status}</Badge>
                      </span>
                    </td>
                    <td data-label={t.members.columns.since}>
                      <Time at={member.created_at} />
                    </td>
                    <td class="cell-actions">
                      {member.status !== "removed" && (
                        <div class="row end">
                          {may(me, "members:edit") && (
                            <Button look="small" onClick={() => setEditing(member)} label={t.members.editTitle(member.name)}>
                              {t.members.edit}
                            </Button>
                          )}
                          {may(me, "members:remove") && member.id !== myself && (
                            <Button look="small danger" onClick={() => setRemoving(member)} label={`${t.members.remove} ${member.name}`}>
                              {t.members.remove}
                            </Button>
                          )}
                        </div>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
      {(cursors.length > 0 || list.data?.next_cursor !== undefined) && (
        <div class="row end">
          {cursors.length > 0 && <Button onClick={() => setCursors(cursors.slice(0, -1))}>{t.common.previous}</Button>}
          {list.data?.next_cursor !== undefined && <Button onClick={() => setCursors([...cursors, list.data?.next_cursor ?? ""])}>{t.common.next}</Button>}
        </div>
      )}
      {may(me, "members:invite") && <Invitations within={within} turn={turn} onChanged={again} />}
      {found.data !== undefined && may(me, "profile:view") && <SignInRules within={within} name={found.data.name} />}
      {editing !== undefined && <EditMember member={editing} within={within} onClose={() => setEditing(undefined)} onDone={again} />}
      {removing !== undefined && <RemoveMember member={removing} onClose={() => setRemoving(undefined)} onDone={again} />}
      {inviting && (
        <Invite
          within={within}
          onClose={(invited) => {
            setInviting(false);
            if (invited) setTurn(turn + 1);
          }}
        />
      )}
    </div>
  );
}

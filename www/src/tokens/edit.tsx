// Editing a token: the fields that its kind lets be edited, as a merge patch of what was changed.

import { useState } from "preact/hooks";

import { call } from "../api/client";
import type { EditableField, Held, Kind, Profile, Token } from "../api/types";
import { useDoing } from "../hooks";
import { t } from "../text";
import { Button, Dialog, Notice, ProblemNotice } from "../ui/basics";
import { Group, SelectField, TextField, fault } from "../ui/fields";
import { toLocalInput } from "../ui/time";
import { ExpiryField, type Expiry, expiryAt } from "./expiry";
import { GrantFields } from "./grants";
import type { Choice } from "./model";

interface Props {
  readonly token: Token;
  readonly kind: Kind;
  readonly profile: Profile;
  readonly onClose: () => void;
  readonly onDone: (answer: Token & Held) => void;
}

const PASSPHRASES = ["keep", "set", "clear"] as const;

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function EditDialog({ token, kind, profile, onClose, onDone }: Props) {
  const can = (field: EditableField) => kind.edit.includes(field);
  const before: Choice = {
    scopes: token.scopes,
    permissions: token.permissions,
    grants: token.grants.map(({ permission, resource }) => ({ permission, resource: resource ?? "" })),
    role: kind.roles.includes(token.role ?? "") ? (token.role ?? "") : "",
  };
  const [name, setName] = useState(token.name);
  const [description, setDescription] = useState(token.description ?? "");
  const [service, setService] = useState(token.service ?? "");
  const [choice, setChoice] = useState<Choice>(before);
  const expiryBefore: Expiry = token.expires_at === null ? { type: "never" } : { type: "custom", at: toLocalInput(new Date(token.expires_at)) };
  const [expiry, setExpiry] = useState<Expiry>(expiryBefore);
  const [change, setChange] = useState<(typeof PASSPHRASES)[number]>("keep");
  const [passphrase, setPassphrase] = useState("");
  const { busy, error, run } = useDoing();

  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const patch: Record<string, unknown> = {};
    if (name.trim() !== token.name) patch["name"] = name.trim();
    if (description.trim() !== (token.description ?? "")) patch["description"] = description.trim() === "" ? null : description.trim();
    if (service !== (token.service ?? "")) patch["service"] = service === "" ? null : service;
    if (!same(choice.scopes, before.scopes)) patch["scopes"] = choice.scopes;
    if (!same(choice.permissions, before.permissions)) patch["permissions"] = choice.permissions;
    if (!same(choice.grants, before.grants)) patch["grants"] = choice.grants;
    if (choice.role !== before.role) patch["role"] = choice.role === "" ? null : choice.role;
    if (!same(expiry, expiryBefore)) patch["expires_at"] = expiryAt(expiry, new Date());
    if (change === "set") patch["passphrase"] = passphrase;
    if (change === "clear") patch["passphrase"] = null;
    if (Object.keys(patch).length === 0) onClose();
    else run(async () => onDone(await call<Token & Held>("PATCH", `/v1/tokens/${token.id}`, { body: patch })));
  };
  const words = { keep: t.token.passphraseKeep, set: t.token.passphraseSet, clear: t.token.passphraseClear };
  return (
    <Dialog title={t.token.editTitle(token.name)} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {can("name") && (
          <TextField label={t.create.name} value={name} onInput={setName} error={fault(error, "name")} required minLength={kind.naming.min} maxLength={kind.naming.max} />
        )}
        {can("description") && kind.describing.max > 0 && (
          <TextField label={t.create.description} value={description} onInput={setDescription} error={fault(error, "description")} maxLength={kind.describing.max} rows={2} />
        )}
        {can("service") && kind.service && (
          <SelectField
            label={t.create.service}
            value={service}
            onChange={setService}
            error={fault(error, "service")}
            options={[{ value: "", text: t.common.none }, ...profile.services.map((one) => ({ value: one.name, text: one.title }))]}
          />
        )}
        <GrantFields
          profile={profile}
          kind={kind}
          value={choice}
          onChange={setChoice}
          error={error}
          parts={(["scopes", "role", "permissions", "grants"] as const).filter((part) => can(part))}
        />
        {can("expires_at") && <ExpiryField kind={kind} value={expiry} onChange={setExpiry} error={fault(error, "expires_at")} />}
        {can("passphrase") && kind.passphrase !== null && (
          <>
            <Group label={t.create.passphrase}>
              <div class="chips">
                {PASSPHRASES.filter((one) => one !== "clear" || token.has_passphrase).map((one) => (
                  <label class="chip" key={one}>
                    <input type="radio" name="passphrase" checked={change === one} onChange={() => setChange(one)} />
                    <span>{words[one]}</span>
                  </label>
                ))}
              </div>
            </Group>
            {change === "set" && (
              <TextField
                label={t.token.passphraseSet}
                type="password"
                value={passphrase}
                onInput={setPassphrase}
                error={fault(error, "passphrase")}
                hint={t.create.passphraseHint(kind.passphrase.min, kind.passphrase.max)}
                minLength={kind.passphrase.min}
                maxLength={kind.passphrase.max}
                autocomplete="new-password"
                required
              />
            )}
          </>
        )}
        <ProblemNotice error={error} shown={[...kind.edit]} />
        {busy && <Notice tone="accent" live>{t.token.holding}</Notice>}
        <div class="row end">
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" look="primary" busy={busy}>
            {t.token.saveEdit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

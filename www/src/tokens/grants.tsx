// What a token may do: scopes, permissions, a role, and permissions on chosen resources. Only what the kind has.

import { useState } from "preact/hooks";

import type { Kind, Profile } from "../api/types";
import { t } from "../text";
import { Badge, Button } from "../ui/basics";
import { Choice as ChoiceField, Group, SelectField, TextField, fault } from "../ui/fields";
import { Icon } from "../ui/icons";
import type { Choice } from "./model";

interface Props {
  readonly profile: Profile;
  readonly kind: Kind;
  readonly value: Choice;
  readonly onChange: (value: Choice) => void;
  readonly error: unknown;
  /** Which of them can be chosen. */
  readonly parts: readonly ("scopes" | "permissions" | "grants" | "role")[];
}

/** How long a list must be to get a search. */
const SEARCH_FROM = 7;

function toggle(list: readonly string[], name: string, on: boolean): readonly string[] {
  return on ? [...list, name] : list.filter((one) => one !== name);
}

interface PickerProps {
  readonly label: string;
  readonly searchLabel: string;
  readonly entries: readonly { readonly name: string; readonly title: string; readonly text: string; readonly also: string; readonly sensitive: boolean }[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
  readonly required: boolean;
  readonly error: string | undefined;
}

function Picker({ label, searchLabel, entries, chosen, onChange, required, error }: PickerProps) {
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const found = entries.filter(({ name, title, text, also }) => `${name} ${title} ${text} ${also}`.toLowerCase().includes(wanted));
  return (
    <Group label={label} required={required} hint={t.create.chosen(chosen.length)} error={error}>
      {entries.length >= SEARCH_FROM && <TextField label={searchLabel} type="search" value={search} onInput={setSearch} />}
      <div class={`choices two ${entries.length >= SEARCH_FROM ? "picker" : ""}`}>
        {found.map(({ name, title, text, also, sensitive }) => (
          <ChoiceField
            key={name}
            type="checkbox"
            name={label}
            checked={chosen.includes(name)}
            onChange={(on) => onChange(toggle(chosen, name, on))}
            title={
              <>
                {title} {sensitive && <Badge tone="warn">{t.create.sensitive}</Badge>}
              </>
            }
          >
            {text}
            {also !== "" && (
              <>
                {text !== "" && <br />}
                <span class="mono break">{also}</span>
              </>
            )}
          </ChoiceField>
        ))}
      </div>
      {found.length === 0 && <p class="hint">{t.create.nothingFound}</p>}
    </Group>
  );
}

export function GrantFields({ profile, kind, value, onChange, error, parts }: Props) {
  const families = profile.families.filter(({ name }) => kind.families.includes(name));
  const grantable = families.flatMap((family) => family.permissions.map((permission) => ({ permission, family })));
  const set = (changes: Partial<Choice>) => onChange({ ...value, ...changes });
  const setGrant = (index: number, changes: Partial<Choice["grants"][number]>) =>
    set({ grants: value.grants.map((grant, at) => (at === index ? { ...grant, ...changes } : grant)) });
  const scopes = profile.scopes.filter(({ name }) => kind.scopes.includes(name));
  const permissions = profile.permissions.filter(({ permission }) => kind.permissions.includes(permission));
  return (
    <>
      {parts.includes("scopes") && scopes.length > 0 && (
        <Picker
          label={t.create.scopes}
          searchLabel={t.create.scopesSearch}
          entries={scopes.map(({ name, title, description, permissions: gives, sensitive }) => ({ name, title, text: description, also: gives.join(" "), sensitive }))}
          chosen={value.scopes}
          onChange={(chosen) => set({ scopes: chosen })}
          required={kind.needed === "scopes"}
          error={fault(error, "scopes")}
        />
      )}
      {parts.includes("role") && kind.roles.length > 0 && (
        <SelectField
          label={t.create.role}
          value={value.role}
          onChange={(role) => set({ role })}
          required={kind.needed === "role"}
          error={fault(error, "role")}
          options={[
            { value: "", text: kind.needed === "role" ? t.create.chooseRole : t.create.noRole },
            ...profile.roles.filter(({ name }) => kind.roles.includes(name)).map(({ name, title }) => ({ value: name, text: title })),
          ]}
        />
      )}
      {parts.includes("permissions") && permissions.length > 0 && (
        <Picker
          label={t.create.permissions}
          searchLabel={t.create.permissionsSearch}
          entries={permissions.map(({ permission, description, sensitive }) => ({ name: permission, title: permission, text: description, also: "", sensitive }))}
          chosen={value.permissions}
          onChange={(chosen) => set({ permissions: chosen })}
          required={kind.needed === "permissions"}
          error={fault(error, "permissions")}
        />
      )}
      {parts.includes("grants") && grantable.length > 0 && (
        <Group label={t.create.grants} hint={t.create.grantsHint} error={fault(error, "grants")}>
          <div class="stack">
            {value.grants.map((grant, index) => {
              const family = grantable.find(({ permission }) => permission === grant.permission)?.family;
              return (
                <div class="grid-two" key={index}>
                  <SelectField
                    label={t.create.grantPermission}
                    value={grant.permission}
                    onChange={(permission) => setGrant(index, { permission })}
                    options={grantable.map(({ permission, family: of }) => ({ value: permission, text: permission, group: of.title }))}
                  />
                  <TextField
                    label={t.create.grantResource}
                    hint={family?.parts === undefined || family.parts.length === 0 ? undefined : t.create.grantParts(family.parts)}
                    value={grant.resource}
                    onInput={(resource) => setGrant(index, { resource })}
                    placeholder={(family?.parts ?? [""]).map(() => "*").join("/")}
                    mono
                    required
                  />
                  <div>
                    <Button look="small" onClick={() => set({ grants: value.grants.filter((_, at) => at !== index) })} label={t.create.grantRemove(index + 1)}>
                      <Icon name="minus" />
                      {t.create.grantRemove(index + 1)}
                    </Button>
                  </div>
                </div>
              );
            })}
            <div>
              <Button look="small" onClick={() => set({ grants: [...value.grants, { permission: grantable[0]?.permission ?? "", resource: "" }] })}>
                <Icon name="plus" />
                {t.create.grantAdd}
              </Button>
            </div>
          </div>
        </Group>
      )}
    </>
  );
}

// What the console says of tokens by itself: which badge they bear, and what calls for caution. The rules themselves are
// the server's; these only put them before the person in time.

import type { Kind, Profile, Token } from "../api/types";

const DAY_MILLIS = 86_400_000;
/** A token that was not used for so long calls for a look. */
const UNUSED_DAYS = 90;
/** A token that ends within so long calls for a look. */
const ENDING_DAYS = 7;

export function isUnused(token: Token, kind: Kind | undefined, now: number): boolean {
  if (token.status !== "active" || kind?.counts.includes("last_used") !== true) return false;
  const since = token.last_used_at ?? token.created_at;
  return now - Date.parse(since) >= UNUSED_DAYS * DAY_MILLIS;
}

export function isEnding(token: Token, now: number): boolean {
  if (token.status !== "active" || token.expires_at === null) return false;
  return Date.parse(token.expires_at) - now <= ENDING_DAYS * DAY_MILLIS;
}

/** What is chosen in a form. */
export interface Choice {
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly grants: readonly { readonly permission: string; readonly resource: string }[];
  readonly role: string;
}

export const NOTHING: Choice = { scopes: [], permissions: [], grants: [], role: "" };

/** What a form begins with: a kind that can have one scope alone has it chosen, and nothing else is chosen for anybody. */
export function firstChoice(kind: Kind): Choice {
  const only = kind.scopes.length === 1 && kind.permissions.length === 0 && kind.families.length === 0 && kind.roles.length === 0;
  return only && kind.default_grant !== null ? { ...NOTHING, scopes: [kind.default_grant] } : NOTHING;
}

export function isEmpty(choice: Choice): boolean {
  return choice.scopes.length === 0 && choice.permissions.length === 0 && choice.grants.length === 0 && choice.role === "";
}

/** The cautions that a new token would come with, in the profile's words. */
export function cautions(profile: Profile, kind: Kind, choice: Choice, ends: boolean, passphrase: boolean): string[] {
  const scopes = profile.scopes.filter(({ name }) => choice.scopes.includes(name));
  const every =
    (kind.scopes.length > 0 && kind.scopes.every((name) => choice.scopes.includes(name))) ||
    scopes.some(({ permissions }) => permissions.includes("*:*"));
  const sensitiveNames = new Set(profile.permissions.filter(({ sensitive }) => sensitive).map(({ permission }) => permission));
  const role = profile.roles.find(({ name }) => name === choice.role);
  const sensitive =
    scopes.some((scope) => scope.sensitive) ||
    choice.permissions.some((permission) => sensitiveNames.has(permission)) ||
    choice.grants.some(({ permission }) => sensitiveNames.has(permission)) ||
    (role !== undefined && [...sensitiveNames].some((name) => role.permissions.some((wide) => contains(wide, name))));
  const found = [
    !ends && kind.cautions.no_expiry,
    every && kind.cautions.every_scope,
    sensitive && !passphrase && kind.cautions.sensitive_without_passphrase,
  ];
  return found.filter((text): text is string => typeof text === "string");
}

function contains(wide: string, narrow: string): boolean {
  const [wideResource, wideAction] = wide.split(":");
  const [resource, action] = narrow.split(":");
  return (wideResource === "*" || wideResource === resource) && (wideAction === "*" || wideAction === action);
}

/** The environment variable in which this kind's users expect it. */
export function variableOf(kind: Kind): string {
  return kind.onboarding?.variable ?? kind.login?.variable ?? "SYMBOLON_TOKEN";
}

export function titleOf(list: readonly { readonly name: string; readonly title: string }[], name: string): string {
  return list.find((one) => one.name === name)?.title ?? name;
}

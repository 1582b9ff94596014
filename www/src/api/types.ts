// The documents of the HTTP interface, as the authority's contract writes them. Times are RFC 3339 in UTC.

import type { SignatureRules } from "symbolon/webcrypto";

export type TokenStatus = "active" | "inactive" | "expired" | "revoked" | "locked";
export type Proof = "bearer" | "signature";

export interface Grant {
  readonly permission: string;
  readonly resource?: string | null;
}

export interface Reference {
  readonly id: string;
  readonly name: string;
}

export type Owner = ({ readonly type: "member" } & Reference) | { readonly type: "organization" };

export interface Token {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly description: string | null;
  readonly prefix: string;
  readonly owner: Owner;
  readonly created_by: { readonly member: Reference | null; readonly token: string | null } | null;
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly grants: readonly Grant[];
  readonly role: string | null;
  readonly service: string | null;
  readonly fingerprint: string | null;
  readonly has_passphrase: boolean;
  readonly status: TokenStatus;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly not_before: string | null;
  readonly revoked_at: string | null;
  readonly last_used_at: string | null;
  readonly last_used_ip: string | null;
  readonly last_used_agent: string | null;
  readonly use_count: number | null;
}

/** A change that narrowed something; null: nobody can say when it holds everywhere. */
export interface Held {
  readonly holds_everywhere_at?: string | null;
}

export interface CreatedToken {
  readonly token: Token;
  readonly secret?: string;
  readonly cautions?: readonly { readonly code: string; readonly text: string }[];
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string;
}

export interface Least {
  readonly scopes?: readonly string[];
  readonly permissions?: readonly string[];
  readonly role?: string;
  readonly variable?: string;
  /** How long it is good; undefined: as long as its kind's are where nothing is said. */
  readonly expires_seconds?: number;
}

export interface NamePattern {
  readonly first: string;
  readonly middle: string;
  readonly last: string;
}

export type EditableField =
  | "name"
  | "description"
  | "scopes"
  | "permissions"
  | "grants"
  | "role"
  | "expires_at"
  | "active"
  | "passphrase"
  | "service";

export interface Kind {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly prefix: string;
  readonly proofs: readonly Proof[];
  readonly owner: "member" | "organization";
  readonly ceiling: "owner_role" | "fixed_role" | "everything";
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly families: readonly string[];
  readonly roles: readonly string[];
  readonly needed: "any" | "scopes" | "permissions" | "role" | "nothing";
  readonly default_grant: string | null;
  readonly expiry: {
    readonly required: boolean;
    readonly max_seconds?: number;
    readonly presets_seconds?: readonly number[];
    readonly default_seconds?: number;
  };
  readonly naming: {
    readonly min: number;
    readonly max: number;
    readonly pattern?: NamePattern | null;
    readonly default?: string | null;
  };
  readonly describing: { readonly max: number };
  readonly passphrase: { readonly min: number; readonly max: number } | null;
  readonly service: boolean;
  readonly create_inactive: boolean;
  readonly edit: readonly EditableField[];
  readonly rotate: { readonly max_grace_seconds: number; readonly default_grace_seconds: number } | null;
  readonly regenerate: boolean;
  readonly headers: readonly string[];
  readonly freshness: "immediate" | "strict" | "eventual";
  /** How requests are signed; null where they are not. */
  readonly signature: SignatureRules | null;
  readonly counts: readonly ("last_used" | "use_count")[];
  readonly recommended_for: readonly string[];
  readonly cautions: {
    readonly no_expiry?: string;
    readonly every_scope?: string;
    readonly sensitive_without_passphrase?: string;
  };
  readonly onboarding: Least | null;
  readonly login: Least | null;
  readonly can_create: boolean;
}

export interface Scope {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly permissions: readonly string[];
  readonly sensitive: boolean;
}

export interface PermissionInfo {
  readonly permission: string;
  readonly description: string;
  readonly sensitive: boolean;
}

export interface Role {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly rank: number;
  readonly permissions: readonly string[];
}

export interface Family {
  readonly name: string;
  readonly title: string;
  readonly permissions: readonly string[];
  readonly parts?: readonly string[];
}

export interface Profile {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly kinds: readonly Kind[];
  readonly scopes: readonly Scope[];
  readonly permissions: readonly PermissionInfo[];
  readonly roles: readonly Role[];
  readonly families: readonly Family[];
  readonly services: readonly { readonly name: string; readonly title: string }[];
}

export interface Organization {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly short_id: string;
  readonly profile: string;
}

export type Principal =
  | { readonly type: "member"; readonly id: string; readonly name: string; readonly email: string; readonly role: string }
  | { readonly type: "token"; readonly id: string; readonly name: string; readonly role: string | null };

export interface WhoAmI {
  readonly organization: Organization;
  readonly principal: Principal;
  /** What holds on every resource. */
  readonly permissions: readonly string[];
  /** What holds on some resources alone. */
  readonly grants: readonly Grant[];
}

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly status: "active" | "suspended" | "removed";
  readonly created_at: string;
}

export interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly role: string;
  readonly status: string;
  readonly created_at: string;
  readonly expires_at: string;
}

export interface Activity {
  readonly seq: number;
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly member: string | null; readonly token: string | null };
  readonly action: string;
  readonly token: string | null;
  readonly member: string | null;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly details: unknown;
  readonly hash: string;
}

/** How somebody begins who has no token of their own. */
export interface FirstSignIn {
  readonly organization: string;
  readonly recovery_codes: readonly string[];
}

export interface Setup {
  readonly organization: Organization;
  readonly owner: Member;
  readonly token: Token;
  readonly secret: string;
  /** Where the first token is the organisation's. */
  readonly sign_in?: FirstSignIn;
}

export interface SignedIn {
  readonly organization: Organization;
  readonly member: Member;
  readonly csrf_token: string;
  readonly fresh_until?: string | null;
  /** With what a session becomes fresh again. */
  readonly confirm_with: "passkey" | "oidc" | null;
}

/** Who a member is at the provider of identities. */
export interface Identity {
  readonly id: string;
  readonly issuer: string;
  readonly email: string | null;
  readonly created_at: string;
  readonly last_used_at: string | null;
}

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
}

export interface SessionItem {
  readonly id: string;
  readonly method: "passkey" | "recovery_code" | "oidc";
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly current: boolean;
}

export interface CreationOptions {
  readonly challenge_id: string;
  readonly public_key: PublicKeyCredentialCreationOptionsJSON;
}

export interface RequestOptions {
  readonly challenge_id: string;
  readonly public_key: PublicKeyCredentialRequestOptionsJSON;
}

export interface Caller {
  readonly address?: string | null;
  readonly user_agent?: string | null;
}

export interface Asking {
  readonly client_id: string | null;
  readonly asked_scope: string | null;
  readonly asked_from: Caller | null;
  readonly you: Caller;
  readonly expires_at: string;
  readonly kind: string;
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly allows: readonly PermissionInfo[];
  readonly later: readonly PermissionInfo[];
  readonly beyond_least: boolean;
  /** Stands for what the page shows: given back, so that nothing else is approved. */
  readonly shown: string | null;
  readonly refusal: string | null;
}

export interface Onboarded {
  readonly token: Token;
  readonly secret: string;
  readonly variable: string;
  readonly snippet: string;
}

export interface Verdict {
  readonly valid: boolean;
  readonly code: string;
  readonly token: { readonly id: string; readonly kind: string; readonly name: string; readonly prefix: string } | null;
  readonly principal: { readonly type: string; readonly name?: string } | null;
  readonly permissions: readonly string[] | null;
  readonly grants: readonly Grant[] | null;
}

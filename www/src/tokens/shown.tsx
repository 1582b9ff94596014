// How tokens look wherever they appear.

import type { Kind, Profile, Token } from "../api/types";
import { t } from "../text";
import { Badge, type Tone } from "../ui/basics";
import { relative } from "../ui/time";
import { isEnding, isUnused, titleOf } from "./model";

const TONES: Record<string, Tone> = { active: "good", inactive: "neutral", expired: "warn", revoked: "bad", locked: "bad" };

export function Status({ token, kind }: { token: Token; kind: Kind | undefined }) {
  const now = new Date();
  return (
    <span class="tags">
      <Badge tone={TONES[token.status] ?? "neutral"}>{t.status[token.status] ?? token.status}</Badge>
      {isEnding(token, now.getTime()) && token.expires_at !== null && (
        <Badge tone="warn">{t.tokens.ending(relative(new Date(token.expires_at), now))}</Badge>
      )}
      {isUnused(token, kind, now.getTime()) && <Badge tone="warn">{t.tokens.unused}</Badge>}
    </span>
  );
}

/** What was granted, in tags: all of them, or the first few. */
export function Granted({ token, profile, most = Number.POSITIVE_INFINITY }: { token: Token; profile: Profile; most?: number }) {
  // Where the role is the owner's, it bounds the token, and grants nothing.
  const fixed = profile.kinds.some(({ name, ceiling }) => name === token.kind && ceiling === "fixed_role");
  const tags = [
    ...(token.role === null || !fixed ? [] : [t.tokens.roleOf(titleOf(profile.roles, token.role))]),
    ...token.scopes,
    ...token.permissions,
    ...token.grants.map(({ permission, resource }) => (resource == null ? permission : `${permission} ${t.tokens.on(resource)}`)),
  ];
  if (tags.length === 0) return <span class="soft">{t.common.none}</span>;
  return (
    <span class="tags">
      {tags.slice(0, most).map((tag) => (
        <span class="tag" key={tag}>
          {tag}
        </span>
      ))}
      {tags.length > most && <span class="soft small-text">{t.tokens.moreScopes(tags.length - most)}</span>}
    </span>
  );
}

export function ownerText(token: Token, me: string | undefined): string {
  if (token.owner.type === "organization") return t.common.organization;
  return token.owner.id === me ? `${token.owner.name} (${t.common.you})` : token.owner.name;
}

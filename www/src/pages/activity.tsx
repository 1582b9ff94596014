// The activity log, with filters, the check of its chain, and its export.

import { useState } from "preact/hooks";

import { shortAgent } from "../agent";
import { call, callText } from "../api/client";
import type { Activity, Member, Page, Token } from "../api/types";
import type { Within } from "../app";
import { useDoing, useLoad } from "../hooks";
import { Link, navigate } from "../router";
import { may } from "../session";
import { t } from "../text";
import { Badge, Button, Empty, Failed, Loading, PageHead, ProblemNotice } from "../ui/basics";
import { SelectField, TextField } from "../ui/fields";
import { Filters } from "../ui/filters";
import { Icon } from "../ui/icons";
import { Time } from "../ui/time";

const PAGE = 50;

interface Filters {
  readonly action?: string;
  readonly token?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
}

function useMembers({ me }: Within) {
  const sees = may(me, "members:view");
  return useLoad(`members ${sees}`, async (signal) =>
    sees ? (await call<Page<Member>>("GET", "/v1/members", { query: { limit: "200" }, signal })).items : [],
  );
}

/** How many tokens are asked for by themselves, whose names no entry of the page says. */
const MOST_ASKED = 20;

/** The names of tokens, as they are now; one that this person may not see has none. */
function useTokenNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const found = useLoad(ids.join(), (signal) =>
    Promise.all(
      ids.map(async (id): Promise<readonly [string, string] | undefined> => {
        try {
          return [id, (await call<Token>("GET", `/v1/tokens/${id}`, { signal })).name];
        } catch {
          return undefined;
        }
      }),
    ),
  );
  return new Map(found.data?.filter((pair) => pair !== undefined));
}

/** Entries, newest first; `onClear`: takes away what narrows them. */
export function ActivityTable({ within, filters, onClear }: { within: Within; filters: Filters; onClear?: () => void }) {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const list = useLoad(JSON.stringify([filters, cursor]), (signal) =>
    call<Page<Activity>>("GET", "/v1/activity", { query: { ...filters, limit: String(PAGE), cursor }, signal }),
  );
  const members = useMembers(within).data ?? [];
  const nameOf = (id: string) => members.find((member) => member.id === id)?.name ?? `${id.slice(0, 8)}…`;
  const tokens = new Map<string, string>();
  for (const entry of list.data?.items ?? []) {
    const called = about(entry);
    // The newest entries come first: a token is called what it was called last.
    if (entry.token !== null && called !== undefined && !tokens.has(entry.token)) tokens.set(entry.token, called);
  }
  const mentioned = (list.data?.items ?? []).flatMap(({ token, actor }) => [token, actor.member === null ? actor.token : null]);
  const asked = useTokenNames([...new Set(mentioned)].filter((id) => id !== null).filter((id) => !tokens.has(id)).slice(0, MOST_ASKED));
  const tokenName = (id: string) => tokens.get(id) ?? asked.get(id);
  if (list.error !== undefined) return <Failed error={list.error} onRetry={list.reload} />;
  if (list.data === undefined) {
    return (
      <div class="card flush">
        <Loading />
      </div>
    );
  }
  if (list.data.items.length === 0) {
    return (
      <div class="card">
        <Empty icon="activity" title={t.activity.noneTitle} action={onClear !== undefined && <Button onClick={onClear}>{t.activity.clear}</Button>}>
          {t.activity.none}
        </Empty>
      </div>
    );
  }
  // On a token's own page every entry is about it.
  const own = filters.token !== undefined;
  return (
    <>
      <div class="card flush" aria-busy={list.loading}>
        <div class="table-frame">
          <table class="table cards">
            <caption class="hidden">{t.activity.table}</caption>
            <thead>
              <tr>
                <th scope="col">{t.activity.columns.what}</th>
                <th scope="col">{t.activity.columns.when}</th>
                <th scope="col">{t.activity.columns.who}</th>
                {!own && <th scope="col">{t.activity.columns.about}</th>}
                <th scope="col">{t.activity.columns.from}</th>
              </tr>
            </thead>
            <tbody>
              {list.data.items.map((entry) => (
                <tr key={entry.id}>
                  <td class="cell-name">
                    <strong>{t.activity.actions[entry.action] ?? entry.action}</strong>
                    <details>
                      <summary class="small-text soft">{t.activity.details}</summary>
                      <pre class="code" tabIndex={0}>
                        {JSON.stringify(entry.details, null, 2)}
                      </pre>
                    </details>
                  </td>
                  <td data-label={t.activity.columns.when} class="nowrap">
                    <Time at={entry.at} as="minute" />
                  </td>
                  <td data-label={t.activity.columns.who} class="nowrap">
                    <span>
                      {entry.actor.member !== null ? nameOf(entry.actor.member) : entry.actor.token === null ? t.activity.system : ""}
                      {entry.actor.member === null && entry.actor.token !== null && <Link href={`/tokens/${entry.actor.token}`}>{byToken(tokenName(entry.actor.token))}</Link>}
                    </span>
                  </td>
                  {!own && (
                    <td data-label={t.activity.columns.about} class={entry.token === null && entry.member === null && subject(entry) === undefined ? "blank" : ""}>
                      <span>
                        {entry.token !== null && <Link href={`/tokens/${entry.token}`}>{tokenName(entry.token) ?? `${entry.token.slice(0, 8)}…`}</Link>}
                        {entry.member !== null && <span>{nameOf(entry.member)}</span>}
                        {entry.token === null && entry.member === null && <span class="break">{subject(entry)}</span>}
                      </span>
                    </td>
                  )}
                  <td data-label={t.activity.columns.from}>
                    <span class="break" title={entry.user_agent ?? t.activity.nowhere}>
                      {entry.address ?? (entry.user_agent === null ? <Nowhere /> : shortAgent(entry.user_agent))}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
      {(cursors.length > 0 || list.data.next_cursor !== undefined) && (
        <div class="row end">
          {cursors.length > 0 && <Button onClick={() => setCursors(cursors.slice(0, -1))}>{t.common.previous}</Button>}
          {list.data.next_cursor !== undefined && <Button onClick={() => setCursors([...cursors, list.data?.next_cursor ?? ""])}>{t.common.next}</Button>}
        </div>
      )}
    </>
  );
}

function Nowhere() {
  return (
    <>
      <span aria-hidden="true">—</span>
      <span class="hidden">{t.activity.nowhere}</span>
    </>
  );
}

function byToken(name: string | undefined): string {
  return name === undefined ? t.activity.byToken : t.activity.byTokenNamed(name);
}

/** A text among the details of an entry. */
function detail(entry: Activity, key: string): string | undefined {
  const { details } = entry;
  const found = typeof details === "object" && details !== null ? (details as Readonly<Record<string, unknown>>)[key] : undefined;
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** The name of the token that an entry is about, where the entry says it. */
const about = (entry: Activity) => detail(entry, "name");

/** Whom or what an entry is about that is neither a token nor a member: somebody invited, a profile, an organisation. */
const subject = (entry: Activity) => detail(entry, "email") ?? detail(entry, "name") ?? detail(entry, "slug");

interface Verification {
  readonly valid: boolean;
  readonly entries: number;
  readonly broken_at: number | null;
}

function Verified() {
  const check = useLoad("verify", (signal) => call<Verification>("GET", "/v1/activity/verify", { signal }));
  if (check.data === undefined) return check.error === undefined ? <Badge>{t.activity.verifying}</Badge> : null;
  return check.data.valid ? (
    <Badge tone="good">{t.activity.verified(check.data.entries)}</Badge>
  ) : (
    <Badge tone="bad">{t.activity.broken(check.data.broken_at ?? check.data.entries + 1)}</Badge>
  );
}

/** Reads the whole log, part by part, and saves it as a file. */
async function exportAll(): Promise<void> {
  const parts: string[] = [];
  let next: string | undefined = "/v1/activity/export";
  while (next !== undefined) {
    const url = new URL(next, window.location.origin);
    const part: { text: string; next?: string } = await callText(url.pathname, { query: Object.fromEntries(url.searchParams) });
    parts.push(part.text);
    next = part.next;
  }
  const address = URL.createObjectURL(new Blob(parts, { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = "activity.ndjson";
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 0);
}

function instant(day: string, after: number): string | undefined {
  if (day === "") return undefined;
  const at = new Date(`${day}T00:00:00`);
  if (Number.isNaN(at.getTime())) return undefined;
  at.setDate(at.getDate() + after);
  return at.toISOString();
}

export function ActivityPage(within: Within & { query: URLSearchParams }) {
  const { query } = within;
  const members = useMembers(within).data ?? [];
  const exporting = useDoing();
  const get = (name: string) => query.get(name) ?? "";
  const change = (name: string, value: string) => {
    const next = new URLSearchParams(query);
    if (value === "") next.delete(name);
    else next.set(name, value);
    navigate(`/activity${next.size === 0 ? "" : `?${next}`}`, { replace: true });
  };
  const since = instant(get("since"), 0);
  const until = instant(get("until"), 1);
  const filters: Filters = {
    ...(get("action") !== "" && { action: get("action") }),
    ...(get("actor") !== "" && { actor: get("actor") }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
  const any = { value: "", text: t.common.any };
  return (
    <div class="page">
      <PageHead title={t.activity.title} lead={t.activity.lead}>
        <Verified />
        <Button busy={exporting.busy} onClick={() => exporting.run(exportAll)}>
          <Icon name="download" />
          {t.activity.export}
        </Button>
      </PageHead>
      <ProblemNotice error={exporting.error} />
      <Filters set={["action", "actor", "since", "until"].filter((name) => get(name) !== "").length}>
        <SelectField
          label={t.activity.action}
          value={get("action")}
          onChange={(action) => change("action", action)}
          options={[any, ...Object.entries(t.activity.actions).map(([value, text]) => ({ value, text }))]}
        />
        {members.length > 0 && (
          <SelectField
            label={t.activity.member}
            value={get("actor")}
            onChange={(actor) => change("actor", actor)}
            options={[any, ...members.map(({ id, name }) => ({ value: id, text: name }))]}
          />
        )}
        <TextField label={t.activity.since} type="date" value={get("since")} onInput={(day) => change("since", day)} />
        <TextField label={t.activity.until} type="date" value={get("until")} onInput={(day) => change("until", day)} />
      </Filters>
      <ActivityTable key={JSON.stringify(filters)} within={within} filters={filters} onClear={() => navigate("/activity", { replace: true })} />
    </div>
  );
}

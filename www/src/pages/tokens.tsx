// The list of tokens: search, filters, order and pages, all in the address, so that a view can be kept and sent.

import { useEffect, useState } from "preact/hooks";

import { call } from "../api/client";
import type { Member, Page, Token } from "../api/types";
import type { Within } from "../app";
import { sentence } from "../explain";
import { useLoad, useSettled } from "../hooks";
import { Link, navigate, read } from "../router";
import { may } from "../session";
import { t } from "../text";
import { Granted, Status, ownerText } from "../tokens/shown";
import { Button, ButtonLink, Empty, Failed, Loading, PageHead } from "../ui/basics";
import { SelectField, TextField } from "../ui/fields";
import { Filters } from "../ui/filters";
import { Icon } from "../ui/icons";
import { Time } from "../ui/time";

/** How many tokens a page shows. */
const PAGE = 50;
const SETTLE_MILLIS = 250;
const FILTERS = ["kind", "q", "status", "owner", "created_by", "role", "service", "sort"] as const;
type Filter = (typeof FILTERS)[number];
const NARROWING = ["status", "owner", "created_by", "role", "service"] as const satisfies readonly Filter[];

function SortHead({ label, by, sort, onSort }: { label: string; by: string; sort: string; onSort: (sort: string) => void }) {
  const up = sort === by;
  const down = sort === `-${by}`;
  return (
    <th scope="col" aria-sort={up ? "ascending" : down ? "descending" : "none"}>
      <button type="button" class="sort" onClick={() => onSort(down || (!up && by === "name") ? by : `-${by}`)}>
        {label}
        {(up || down) && <Icon name={up ? "up" : "down"} />}
      </button>
    </th>
  );
}

export function TokensPage({ me, profile, query }: Within & { query: URLSearchParams }) {
  const get = (name: Filter) => query.get(name) ?? "";
  const sort = get("sort") === "" ? "-created_at" : get("sort");
  const [search, setSearch] = useState(get("q"));
  const settled = useSettled(search, SETTLE_MILLIS);
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);

  const change = (changes: Partial<Record<Filter, string>>) => {
    // Of the address as it is now: what settles late must not bring back what was left since.
    const next = read().query;
    for (const [name, value] of Object.entries(changes)) {
      if (value === "") next.delete(name);
      else next.set(name, value);
    }
    setCursors([]);
    const text = next.toString();
    navigate(text === "" ? "/tokens" : `/tokens?${text}`, { replace: true });
  };
  useEffect(() => {
    if (settled !== (read().query.get("q") ?? "")) change({ q: settled });
  }, [settled]);

  const asked = Object.fromEntries(FILTERS.map((name) => [name, get(name)]));
  const key = JSON.stringify([asked, cursor]);
  const list = useLoad(key, (signal) =>
    call<Page<Token>>("GET", "/v1/tokens", { query: { ...asked, sort, limit: String(PAGE), cursor }, signal }),
  );
  const seesMembers = may(me, "members:view");
  const members = useLoad(`members ${seesMembers}`, async (signal) =>
    seesMembers ? (await call<Page<Member>>("GET", "/v1/members", { query: { limit: "200" }, signal })).items : [],
  );

  const myself = me.principal.type === "member" ? me.principal.id : undefined;
  const kindOf = (token: Token) => profile.kinds.find(({ name }) => name === token.kind);
  const filtered = FILTERS.some((name) => name !== "sort" && name !== "kind" && get(name) !== "");
  const creatable = profile.kinds.filter(({ can_create }) => can_create);
  const current = profile.kinds.find(({ name }) => name === get("kind"));
  const create = creatable.length > 0 && (current === undefined || current.can_create);
  const createHref = current === undefined ? "/tokens/new" : `/tokens/new?kind=${current.name}`;
  const roles = profile.roles.map(({ name, title }) => ({ value: name, text: title }));
  const any = { value: "", text: t.common.any };
  const leave = () => {
    setSearch("");
    setCursors([]);
  };
  const clear = () => {
    setSearch("");
    change(Object.fromEntries(FILTERS.filter((name) => name !== "kind" && name !== "sort").map((name) => [name, ""])));
  };

  return (
    <div class="page">
      <PageHead title={t.tokens.title} lead={current === undefined ? t.tokens.lead(profile.title) : sentence(current.description)}>
        {create && (
          <ButtonLink href={createHref} look="primary">
            <Icon name="plus" />
            {t.tokens.create}
          </ButtonLink>
        )}
      </PageHead>
      <nav class="tabs" aria-label={t.tokens.kinds}>
        {[{ name: "", title: t.tokens.allKinds }, ...profile.kinds].map(({ name, title }) => (
          <Link key={name} href={name === "" ? "/tokens" : `/tokens?kind=${name}`} current={get("kind") === name} onFollow={leave}>
            {title}
          </Link>
        ))}
      </nav>
      <Filters
        search={<TextField label={t.tokens.search} type="search" look="search" value={search} onInput={setSearch} placeholder={t.tokens.searchPlaceholder} />}
        set={NARROWING.filter((name) => get(name) !== "").length}
      >
        <SelectField
          label={t.tokens.status}
          value={get("status")}
          onChange={(status) => change({ status })}
          options={[any, ...Object.entries(t.status).map(([value, text]) => ({ value, text }))]}
        />
        <SelectField
          label={t.tokens.owner}
          value={get("owner")}
          onChange={(owner) => change({ owner })}
          options={[
            any,
            ...(myself === undefined ? [] : [{ value: "me", text: t.tokens.ownerMe }]),
            { value: "organization", text: t.tokens.ownerOrganization },
            ...(members.data ?? []).filter(({ id }) => id !== myself).map(({ id, name }) => ({ value: id, text: name })),
          ]}
        />
        {(members.data ?? []).length > 1 && (
          <SelectField
            label={t.tokens.createdBy}
            value={get("created_by")}
            onChange={(created_by) => change({ created_by })}
            options={[any, ...(members.data ?? []).map(({ id, name }) => ({ value: id, text: name }))]}
          />
        )}
        <SelectField label={t.tokens.role} value={get("role")} onChange={(role) => change({ role })} options={[any, ...roles]} />
        {profile.services.length > 0 && (
          <SelectField
            label={t.tokens.service}
            value={get("service")}
            onChange={(service) => change({ service })}
            options={[any, ...profile.services.map(({ name, title }) => ({ value: name, text: title }))]}
          />
        )}
        <SelectField label={t.tokens.sort} value={sort} onChange={(to) => change({ sort: to })} options={t.tokens.sorts.map(([value, text]) => ({ value, text }))} />
      </Filters>
      {list.error !== undefined && <Failed error={list.error} onRetry={list.reload} />}
      {list.data === undefined && list.error === undefined && (
        <div class="card flush">
          <Loading />
        </div>
      )}
      {list.data !== undefined && list.data.items.length === 0 && (
        <div class="card">
          {filtered ? (
            <Empty icon="token" title={t.tokens.noMatchTitle} action={<Button onClick={clear}>{t.tokens.clear}</Button>}>
              {t.tokens.noMatchText}
            </Empty>
          ) : (
            <Empty icon="token" title={t.tokens.noneTitle} action={create && <ButtonLink href={createHref} look="primary">{t.tokens.create}</ButtonLink>}>
              {create ? t.tokens.noneText : t.tokens.noneForRole}
            </Empty>
          )}
        </div>
      )}
      {list.data !== undefined && list.data.items.length > 0 && (
        <>
          <div class="card flush" aria-busy={list.loading}>
            <div class="table-frame">
              <table class="table cards">
                <caption class="hidden">{t.tokens.table}</caption>
                <thead>
                  <tr>
                    <SortHead label={t.tokens.columns.name} by="name" sort={sort} onSort={(to) => change({ sort: to })} />
                    <th scope="col">{t.tokens.columns.owner}</th>
                    <th scope="col">{t.tokens.columns.grants}</th>
                    <th scope="col">{t.tokens.columns.status}</th>
                    <SortHead label={t.tokens.columns.created} by="created_at" sort={sort} onSort={(to) => change({ sort: to })} />
                    <SortHead label={t.tokens.columns.expires} by="expires_at" sort={sort} onSort={(to) => change({ sort: to })} />
                    <SortHead label={t.tokens.columns.used} by="last_used_at" sort={sort} onSort={(to) => change({ sort: to })} />
                    <th scope="col" class="number">
                      {t.tokens.columns.uses}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {list.data.items.map((token) => (
                    <tr key={token.id}>
                      <td class="cell-name">
                        <Link href={`/tokens/${token.id}`}>{token.name}</Link>
                        {get("kind") === "" && <div class="soft small-text">{kindOf(token)?.title ?? token.kind}</div>}
                        <div class="soft small-text mono">{token.prefix}…</div>
                      </td>
                      <td data-label={t.tokens.columns.owner}>
                        <span>{ownerText(token, myself)}</span>
                      </td>
                      <td class="cell-tags" data-label={t.tokens.columns.grants}>
                        <Granted token={token} profile={profile} most={3} />
                      </td>
                      <td data-label={t.tokens.columns.status}>
                        <Status token={token} kind={kindOf(token)} />
                      </td>
                      <td class="nowrap" data-label={t.tokens.columns.created}>
                        <Time at={token.created_at} />
                      </td>
                      <td class="nowrap" data-label={t.tokens.columns.expires}>
                        <Time at={token.expires_at} />
                      </td>
                      <td class="nowrap" data-label={t.tokens.columns.used}>
                        <Time at={token.last_used_at} as="since" none={t.tokens.notUsed} />
                      </td>
                      <td class="number" data-label={t.tokens.columns.uses}>
                        <span>{token.use_count ?? "–"}</span>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
          <div class="row apart">
            <span class="soft" role="status">
              {t.tokens.shown(list.data.items.length)}
            </span>
            <div class="row">
              {cursors.length > 0 && <Button onClick={() => setCursors(cursors.slice(0, -1))}>{t.common.previous}</Button>}
              {list.data.next_cursor !== undefined && (
                <Button onClick={() => setCursors([...cursors, list.data?.next_cursor ?? ""])}>{t.common.next}</Button>
              )}
            </div>
          </div>
        </>
      )}
    </div>
  );
}

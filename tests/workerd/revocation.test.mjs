// The promise itself, in the real runtime: once a change that narrows has been answered, no edge accepts a request that
// is sent afterwards on the strength of what was removed. Eight edges share one authority, a process of its own asks all
// of them without a pause, thousands of changes are made hundreds at a time, workerd is killed in the middle, and the
// directory never tells the edges anything new. Both ends of every interval are read from one clock, outside.
//
// A test that cannot fail shows nothing: the second run is the same, but its authority waits for no lease, and leases are
// long (lib/edges.mjs). It must see the promise broken.
import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Edges } from "./lib/edges.mjs";
import { setupBody } from "./lib/product.mjs";
import { inventedSecret } from "./lib/tokens.mjs";

/** What one round changes at a time: 500 narrowings, and the route table. All of a round share one wait for leases. */
const ROUND = { native: 180, hexadecimal: 20, roles: 100, active: 100, members: 100 };
/** How many rounds: 3,000 narrowings. */
const ROUNDS = 6;
/** What counts as sent soon after a change had been answered, in nanoseconds. */
const SOON = 100e6;
/** How long all of it may take, in milliseconds: some three minutes on two cores, and room for a machine that is busy. */
const TIMEOUT = 900_000;
/** The same, of a control run: few, so that nothing but leases stands between a change and the edges. */
const FEW = { native: 8, hexadecimal: 2, roles: 4, active: 4, members: 4 };

const routes = (open) => ({
  routes: [
    { method: "GET", path: "/write", permission: "api:write" },
    // Another organisation's, which is made later.
    { method: "GET", path: "/scan", permission: "scans:upload", organization: "*" },
    open ? { method: "GET", path: "/open", public: true } : { method: "GET", path: "/open", permission: "api:write" },
  ],
});

const sha256 = (secret) => createHash("sha256").update(secret).digest("hex");
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });
const clock = () => Number(process.hrtime.bigint());

/** A built-in profile, in which nobody is too quick, and a developer has nothing that the first token has not. */
function profile(name) {
  const text = readFileSync(new URL(`../../profiles/${name}.toml`, import.meta.url), "utf8")
    .replaceAll('permissions = ["api:*", "tokens:view"', 'permissions = ["api:read", "api:write", "tokens:view"');
  return `${text}\n[limits]\ncreation = { max = 10000, seconds = 1 }\nfailed = { max = 10000, seconds = 1 }\n`;
}

/** Everything that is going to be changed, and the load on all of it. */
class World {
  /** When what was narrowed had been answered, and when widening it began: by credential. */
  #intervals = new Map();
  /** How many changes were answered. */
  changed = 0;

  constructor(edges, sizes) {
    this.edges = edges;
    this.sizes = sizes;
  }

  async prepare(rounds) {
    const { edges, sizes } = this;
    const setup = { ...setupBody(), organization: { slug: "acme", name: "Acme", profile: profile("symbolon") } };
    const owner = await edges.must("POST", "/v1/setup", undefined, setup);
    this.secret = owner.secret;
    await edges.must("PUT", "/v1/routes", this.secret, routes(true));
    const second = { ...setupBody({ slug: "hex" }), organization: { slug: "hex", name: "Hex", profile: profile("devguard") } };
    this.hex = await edges.must("POST", "/v1/organizations", this.secret, second);
    edges.startLoad();

    const native = (count) => Array.from({ length: count }, () => inventedSecret(owner.secret));
    const revoked = native(sizes.native * rounds);
    const lowered = native(sizes.roles * rounds);
    const stopped = native(sizes.active * rounds);
    const hexadecimal = Array.from({ length: sizes.hexadecimal * rounds }, () => `dvg_${randomBytes(32).toString("hex")}`);
    // The directory is asked for every second of these while nobody has them, and goes on to say that nobody has; of the
    // others it goes on to say that they are good.
    for (const [index, secret] of hexadecimal.entries()) {
      if (index % 2 === 1) continue;
      // From many addresses: whoever guesses is stopped.
      const from = `192.0.${index >> 3}.${index & 7}`;
      const statuses = await edges.askAll("/scan", { ...bearer(secret), "cf-connecting-ip": from });
      assert.deepEqual(new Set(statuses), new Set([401]), "nobody has it yet");
    }
    const key = { kind: "key", name: "load", role: "developer" };
    const expires_at = new Date(Date.now() + 86_400_000).toISOString();
    const personal = { kind: "pat", name: "load", scopes: ["scan"], expires_at };
    [this.revoked, this.lowered, this.stopped, this.hexadecimal] = await Promise.all([
      this.#import(this.secret, revoked, key, "/write"),
      this.#import(this.secret, lowered, key, "/write"),
      this.#import(this.secret, stopped, key, "/write"),
      this.#import(this.hex.secret, hexadecimal, personal, "/scan"),
    ]);
    this.members = await Promise.all(Array.from({ length: sizes.members }, (_, index) => this.#member(index)));
    [this.open] = edges.credentials([{ path: "/open", headers: {} }]);
  }

  async #member(index) {
    const { edges } = this;
    const email = `member-${index}@example.com`;
    const { invitation, secret } = await edges.must("POST", "/v1/invitations", this.secret, { email, role: "developer" });
    const path = `/v1/invitations/${invitation.id}/accept`;
    const accepted = await edges.must("POST", path, undefined, { secret, name: `Member ${index}` });
    const [credential] = edges.credentials([{ path: "/write", headers: bearer(accepted.secret) }]);
    return { id: accepted.member.id, credential };
  }

  /** At once: whoever imports waits until no edge remembers that nobody has such a secret, and one wait does for all. */
  async #import(token, secrets, common, path) {
    const parts = Array.from({ length: Math.ceil(secrets.length / 100) }, (_, part) => secrets.slice(part * 100, (part + 1) * 100));
    const calls = parts.map(async (some) => {
      const tokens = some.map((secret) => ({ ...common, sha256: sha256(secret) }));
      return (await this.edges.must("POST", "/v1/tokens/import", token, { tokens })).tokens;
    });
    const made = (await Promise.all(calls)).flat();
    const numbers = this.edges.credentials(secrets.map((secret) => ({ path, headers: bearer(secret) })));
    return made.map(({ id }, index) => ({ id, credential: numbers[index] }));
  }

  /** Makes a change until it is answered: one that was lost with workerd is made again. */
  async #make(method, path, token, body) {
    for (;;) {
      const response = await this.edges.call(method, path, token, body).catch(() => undefined);
      if (response?.status === 200) return;
      // Workerd is down or has just come up.
      assert.ok(response === undefined || response.status >= 500, `${method} ${path}: ${response?.status} ${response?.text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #narrow({ credential }, ...call) {
    await this.#make(...call);
    const known = this.#intervals.get(credential) ?? [];
    known.push({ from: clock(), to: Infinity });
    this.#intervals.set(credential, known);
    this.changed += 1;
  }

  async #widen({ credential }, ...call) {
    const last = this.#intervals.get(credential)?.at(-1);
    if (last !== undefined) last.to = Math.min(last.to, clock());
    await this.#make(...call);
  }

  /** Changes everything that is up in this round; `meanwhile` runs beside it. */
  async round(number, { meanwhile = async () => {} } = {}) {
    const { edges, secret, hex, sizes } = this;
    const up = (list, count) => list.slice(number * count, (number + 1) * count);
    const revoked = up(this.revoked, sizes.native);
    const hexadecimal = up(this.hexadecimal, sizes.hexadecimal);
    const lowered = up(this.lowered, sizes.roles);
    const stopped = up(this.stopped, sizes.active);
    const { members } = this;
    const open = { credential: this.open };
    const member = (one) => `/v1/members/${one.id}`;
    const token = (one) => `/v1/tokens/${one.id}`;
    if (number > 0) {
      await this.#widen(open, "PUT", "/v1/routes", secret, routes(true));
      const back = { role: "developer", status: "active" };
      await Promise.all(members.map((one) => this.#widen(one, "PATCH", member(one), secret, back)));
    }
    const all = [revoked, hexadecimal, lowered, stopped, members, open].flat().map(({ credential }) => credential);
    edges.pool(all);
    await edges.everywhere("accepted", all);
    const narrower = number % 2 === 0 ? { role: "viewer" } : { status: "suspended" };
    const changes = [
      ...revoked.map((one) => this.#narrow(one, "DELETE", token(one), secret)),
      ...hexadecimal.map((one) => this.#narrow(one, "DELETE", token(one), hex.secret)),
      ...lowered.map((one) => this.#narrow(one, "PATCH", token(one), secret, { role: "viewer" })),
      ...stopped.map((one) => this.#narrow(one, "PATCH", token(one), secret, { active: false })),
      ...members.map((one) => this.#narrow(one, "PATCH", member(one), secret, narrower)),
      this.#narrow(open, "PUT", "/v1/routes", secret, routes(false)),
    ];
    await Promise.all([...changes, meanwhile()]);
    await edges.everywhere("refused", all);
  }

  /** Acceptances that the promise forbids, and how many answers there were of each sort; `soon`: just after a change. */
  judge(records) {
    const seen = { accepted: 0, refused: 0, failed: 0, soon: 0, forbidden: [] };
    for (const record of records) {
      const { credential, sent, answered, status } = record;
      const intervals = this.#intervals.get(credential) ?? [];
      if (status !== 0 && intervals.some(({ from }) => sent > from && sent < from + SOON)) seen.soon += 1;
      if (status === 200) {
        seen.accepted += 1;
        if (intervals.some(({ from, to }) => sent > from && answered < to)) seen.forbidden.push(record);
      } else if (status === 401 || status === 403) {
        seen.refused += 1;
      } else {
        seen.failed += 1;
      }
    }
    return seen;
  }
}

async function prepared(t, options, sizes, rounds) {
  const edges = new Edges({ edges: 8, ...options });
  t.after(() => edges.end());
  await edges.start();
  const world = new World(edges, sizes);
  await world.prepare(rounds);
  return { edges, world };
}

test("nothing that a change took away is accepted after it was answered", { timeout: TIMEOUT }, async (t) => {
  const { edges, world } = await prepared(t, {}, ROUND, ROUNDS);
  for (let number = 0; number < ROUNDS; number += 1) {
    const kill = number === ROUNDS / 2;
    // Killed with hundreds of changes under way: some are committed, none is answered.
    await world.round(number, { meanwhile: kill ? () => edges.killAndStart() : undefined });
    t.diagnostic(`${world.changed} changes${kill ? ", workerd killed among them" : ""}`);
  }
  const seen = world.judge(await edges.endLoad());
  const { forbidden, ...counts } = seen;
  t.diagnostic(`${JSON.stringify(counts)}; the directory was stale: ${JSON.stringify(edges.wrong)}`);
  assert.deepEqual(forbidden, []);
  const changes = Object.values(ROUND).reduce((sum, count) => sum + count, 0);
  assert.equal(world.changed, ROUNDS * (changes + 1));
  assert.ok(ROUNDS * changes >= 3000);
  assert.ok(seen.accepted > 10_000 && seen.refused > 10_000, "the load was continuous");
  assert.ok(seen.soon > 100, "requests were sent just when changes had been answered");
  assert.ok(edges.wrong.values > 0 && edges.wrong.misses > 0, "the directory served old values and old misses");
});

test("where answers do not wait for leases to end, the same test sees it", { timeout: TIMEOUT }, async (t) => {
  const { edges, world } = await prepared(t, { patience: false }, FEW, 1);
  await world.round(0);
  const { forbidden, ...counts } = world.judge(await edges.endLoad());
  t.diagnostic(`${forbidden.length} acceptances after the answer; ${JSON.stringify(counts)}`);
  assert.ok(forbidden.length > 0, "a control run that sees nothing means that the test sees nothing");
});

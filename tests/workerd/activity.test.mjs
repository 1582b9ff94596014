// The activity log over HTTP: every change and every refusal that it is to tell, each made once, with who, which token,
// when and from where; the chain computed anew from an export, by nothing of ours; and never a secret.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { register } from "./lib/keys.mjs";
import { CALLBACK, CLIENT_ID, CLIENT_SECRET, Person, provider } from "./lib/oidc.mjs";
import { Browser, Passkey } from "./lib/passkey.mjs";
import { GATEWAY, SETUP_CODE, launch, setupBody, until } from "./lib/product.mjs";
import { newKey, signed } from "./lib/sign.mjs";

const ADDRESS = "203.0.113.9";
const from = { "cf-connecting-ip": ADDRESS, "user-agent": "the test's own" };
/** A secret of another system and its hash, made by libxcrypt. */
const IMPORTED = "hg_pat_0123456789abcdef0123456789abcdef0123456789abcdef";
const BCRYPT = "$2b$10$abcdefghijklmnopqrstuu3SkSPVROQ1LJryGwtnctViqfekO0tWO";

/** The default profile, without limits that this test would reach. */
const PROFILE = readFileSync(fileURLToPath(new URL("../../profiles/symbolon.toml", import.meta.url)), "utf8").replace(
  "[permissions.api]",
  "[limits]\ncreation = { max = 1000, seconds = 1 }\nfailed = { max = 1000, seconds = 1 }\n\n[permissions.api]",
);

/** JSON as the hashes cover it: members sorted, no spaces. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).toSorted().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

const number = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

/** The hash of an entry, from what is said of it in `src/activity.rs`. */
function hashOf(entry) {
  const hash = createHash("sha256").update("symbolon activity entry 1\0").update(number(entry.seq)).update(number(Date.parse(entry.at)));
  const { actor } = entry;
  for (const text of [entry.prev_hash, entry.id, actor.member, actor.token, entry.action, entry.token, entry.member, entry.address, entry.user_agent, canonical(entry.details)]) {
    hash.update(text === null ? Buffer.alloc(8, 0xff) : number(Buffer.byteLength(text))).update(text ?? "");
  }
  return hash.digest("hex");
}

/** An instance with an owner, and a way to call it from one address. */
async function prepared(t, bindings = {}) {
  const product = await launch(t, { origin: () => new Response("origin"), bindings });
  const secrets = [SETUP_CODE];
  const setup = await product.send({ method: "POST", path: "/v1/setup", headers: from, body: setupBody({ profile: PROFILE }) });
  assert.equal(setup.status, 201, setup.text);
  const owner = setup.json;
  /** Calls; what it answers, whose secret is noted. */
  const call = async (method, path, body, { token = owner.secret, status = 200, ...more } = {}) => {
    const { headers, ...rest } = more;
    const answer = await product.send({ method, path, body, token, headers: { ...from, ...headers }, ...rest });
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    if (typeof answer.json?.secret === "string") secrets.push(answer.json.secret);
    return answer.json;
  };
  secrets.push(owner.secret);
  const exported = async () => {
    const answer = await product.send({ path: "/v1/activity/export", token: owner.secret, headers: from });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/x-ndjson"]);
    return { text: answer.text, entries: answer.text.trimEnd().split("\n").map((line) => JSON.parse(line)) };
  };
  const pat = (name, more = {}) => call("POST", "/v1/tokens", { kind: "pat", name, scopes: ["read"], ...more }, { status: 201 });
  return { product, owner, call, secrets, exported, pat };
}

/** What must be in the log, and is there as often as it was done. */
class Expected {
  #all = [];

  constructor(by) {
    this.by = by;
  }

  /** Something that `by` did: `{token?, member?, times?, actor?}`. */
  add(action, { token = null, member = null, times = 1, actor = this.by, details = () => true } = {}) {
    this.#all.push({ action, token, member, times, actor, details });
  }

  /** The entries that are there for one of them. */
  missing(entries) {
    return this.#all.filter(({ action, token, member, times, actor, details }) => {
      const found = entries.filter(
        (entry) =>
          entry.action === action &&
          entry.token === token &&
          entry.member === member &&
          entry.actor.member === actor.member &&
          entry.actor.token === actor.token &&
          details(entry.details),
      );
      for (const entry of found) assert.ok(entry.address === ADDRESS && Date.parse(entry.at) > 0, JSON.stringify(entry));
      return found.length !== times;
    });
  }
}

/** Recomputes the chain, compares it with the server's check and the list, and looks for secrets. */
async function checkLog({ product, owner, call, secrets, exported }, expected) {
  const { text, entries } = await exported();
  assert.deepEqual(expected.missing(entries), [], entries.map((entry) => JSON.stringify(entry)).join("\n"));
  let head = createHash("sha256").update(`symbolon activity chain 1\0${owner.organization.id}`).digest("hex");
  for (const [index, entry] of entries.entries()) {
    assert.deepEqual([entry.seq, entry.prev_hash, entry.hash], [index + 1, head, hashOf(entry)], JSON.stringify(entry));
    head = entry.hash;
  }
  const verified = await call("GET", "/v1/activity/verify");
  assert.deepEqual([verified.valid, verified.entries, verified.head], [true, entries.length, head]);
  const listed = await product.send({ path: "/v1/activity?limit=200", token: owner.secret, headers: from });
  assert.deepEqual(listed.json.items.toReversed(), entries.slice(-listed.json.items.length), "the same documents");
  for (const secret of secrets) {
    assert.ok(!text.includes(secret), "no secret is in the log");
    // Nor what follows its public prefix; a short code has none.
    if (secret.length >= 20) assert.ok(!text.includes(secret.slice(8)), "no part of a secret is in the log");
  }
  return entries;
}

test("every change is in the log once, with actor, token, time and address", async (t) => {
  const op = await provider(t, { accounts: { eve: { email: "eve@example.com", email_verified: true } }, redirectUri: CALLBACK });
  const world = await prepared(t, { OIDC_ISSUER: op.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET });
  const { product, owner, call, secrets, pat } = world;
  const by = { member: owner.owner.id, token: owner.token.id };
  const expected = new Expected(by);

  await call("POST", "/v1/organizations", { ...setupBody({ slug: "other" }) }, { status: 201 });
  expected.add("organization.create");
  await call("PUT", "/v1/routes", { routes: [{ method: "GET", path: "/things", permission: "api:read" }] });
  expected.add("routes.replace");

  const { token, secret } = await pat("one");
  await call("PATCH", `/v1/tokens/${token.id}`, { name: "renamed" });
  const rotated = await call("POST", `/v1/tokens/${token.id}/rotate`, { grace_seconds: 600 });
  await call("GET", "/v1/whoami", undefined, { token: rotated.secret });
  for (const action of ["token.create", "token.edit", "token.rotate"]) expected.add(action, { token: token.id });
  expected.add("token.rotate_end", { token: token.id, actor: { member: null, token: token.id } });
  await until("the grace has ended", async () => {
    const { items } = await call("GET", `/v1/activity?token=${token.id}&action=token.rotate_end`);
    return items.length === 1;
  });
  await call("POST", `/v1/tokens/${token.id}/regenerate`, {});
  await call("DELETE", `/v1/tokens/${token.id}`);
  for (const action of ["token.regenerate", "token.revoke"]) expected.add(action, { token: token.id });
  assert.ok(secrets.includes(secret));

  const entry = { kind: "pat", name: "moved", scopes: ["read"], prefix: IMPORTED.slice(0, 10), bcrypt: BCRYPT, expires_at: new Date(product.clock.now() + 86_400_000).toISOString() };
  const imported = await call("POST", "/v1/tokens/import", { tokens: [entry] }, { status: 201 });
  await call("GET", "/v1/whoami", undefined, { token: IMPORTED });
  secrets.push(IMPORTED, BCRYPT);
  expected.add("token.import", { token: imported.tokens[0].id });
  expected.add("token.upgrade", { token: imported.tokens[0].id, actor: { member: owner.owner.id, token: imported.tokens[0].id } });

  const member = await call("POST", "/v1/members", { name: "Bob", email: "bob@example.com", role: "viewer" }, { status: 201 });
  await call("PATCH", `/v1/members/${member.id}`, { role: "developer" });
  await call("DELETE", `/v1/members/${member.id}`);
  for (const action of ["member.create", "member.edit", "member.remove"]) expected.add(action, { member: member.id });

  const invite = (email) => call("POST", "/v1/invitations", { email, role: "viewer" }, { status: 201 });
  const [accepted, withdrawn] = [await invite("eve@example.com"), await invite("mallory@example.com")];
  const joined = await call("POST", `/v1/invitations/${accepted.invitation.id}/accept`, { secret: accepted.secret, name: "Eve" }, { token: undefined, status: 201 });
  await call("DELETE", `/v1/invitations/${withdrawn.invitation.id}`);
  expected.add("invitation.create", { times: 2 });
  expected.add("invitation.revoke");
  expected.add("invitation.accept", { member: joined.member.id, actor: { member: joined.member.id, token: null } });

  await call("PUT", "/v1/profile", { profile: PROFILE.replace('title = "Symbolon"', 'title = "Ours"') });
  expected.add("profile.replace");

  // In the console.
  const there = { send: (request) => product.send({ ...request, headers: { ...from, ...request.headers } }) };
  const [browser, passkey, spare] = [new Browser(there), new Passkey(), new Passkey()];
  const good = (answer, status = 200) => {
    assert.equal(answer.status, status, answer.text);
    return answer.json;
  };
  const added = good(await browser.register(passkey, { token: owner.secret }), 201);
  secrets.push(...added.recovery_codes);
  expected.add("passkey.add", { member: owner.owner.id });
  good(await browser.signIn(passkey), 201);
  good(await browser.confirm(passkey));
  const person = { member: owner.owner.id, token: null };
  expected.add("session.begin", { member: owner.owner.id, actor: person });
  expected.add("session.confirm", { member: owner.owner.id, actor: person });
  const second = good(await browser.register(spare, { name: "Spare" }), 201);
  good(await browser.send({ method: "DELETE", path: `/v1/passkeys/${second.passkey.id}` }));
  const { recovery_codes } = good(await browser.send({ method: "POST", path: "/v1/passkeys/recovery-codes" }), 201);
  secrets.push(...recovery_codes);
  good(await browser.send({ method: "PUT", path: "/v1/sign-in", body: { link_by_email: true } }));
  expected.add("passkey.add", { member: owner.owner.id, actor: person });
  expected.add("passkey.remove", { member: owner.owner.id, actor: person });
  expected.add("recovery_codes.renew", { member: owner.owner.id, actor: person });
  expected.add("sign_in.edit", { actor: person });
  for (const [decision, action] of [["approve", "login.approve"], ["deny", "login.deny"]]) {
    const begun = await product.send({
      method: "POST",
      path: "/oauth/device_authorization",
      headers: { ...from, "content-type": "application/x-www-form-urlencoded" },
      body: "client_id=cli",
    });
    secrets.push(begun.json.device_code, begun.json.user_code);
    good(await browser.send({ method: "POST", path: `/v1/device/${decision}`, body: { user_code: begun.json.user_code } }));
    if (decision === "deny") expected.add(action, { actor: person });
  }
  good(await browser.send({ method: "DELETE", path: "/v1/sessions/current" }));
  expected.add("session.end", { member: owner.owner.id, actor: person });
  passkey.count -= 1;
  assert.equal((await browser.signIn(passkey)).status, 401, "a cloned authenticator");
  expected.add("session.refuse", { member: owner.owner.id, actor: { member: null, token: null } });
  passkey.count += 1;
  const body = { organization: "acme", email: "ada@example.com", recovery_code: recovery_codes[0] };
  good(await browser.send({ method: "POST", path: "/v1/sessions/recover", body }), 201);
  expected.add("session.recover", { member: owner.owner.id, actor: person });

  // Somebody connects an account at the provider, signs in there, and takes it away again.
  const eve = new Person(there);
  const her = { member: joined.member.id, actor: { member: joined.member.id, token: null } };
  assert.equal(await eve.through("/v1/identities", { token: joined.secret, body: { next: "/account" } }), "/account");
  assert.equal(await eve.through(), "/tokens");
  const [linked] = (await eve.send({ path: "/v1/identities" })).json.items;
  good(await eve.send({ method: "DELETE", path: `/v1/identities/${linked.id}` }));
  const named = ({ identity, issuer }) => identity === linked.id && issuer === op.issuer;
  for (const action of ["identity.link", "session.begin", "identity.remove"]) expected.add(action, { ...her, details: named });

  const entries = await checkLog(world, expected);
  const approved = entries.filter(({ action }) => action === "login.approve");
  assert.deepEqual(approved.map(({ actor, details }) => [actor, details.asked_from.address]), [[person, ADDRESS]]);
  assert.deepEqual([entries[0].action, entries[0].address, entries[0].actor.member], ["organization.found", ADDRESS, owner.owner.id]);
});

test("a wrong passphrase, a lock, a replay, and use of a revoked, expired or lesser token are in the log, with how often", async (t) => {
  const world = await prepared(t);
  const { product, owner, call, secrets, pat } = world;
  const expected = new Expected();
  const things = [{ method: "GET", path: "/things", permission: "api:read" }, { method: "POST", path: "/things", permission: "api:write" }];
  await call("PUT", "/v1/routes", { routes: things });
  const ask = (method, headers) => product.send({ method, host: GATEWAY, path: "/things", headers: { ...from, ...headers } });
  const bearer = (secret) => ({ authorization: `Bearer ${secret}` });
  const refused = (token, code, count) => {
    const details = (said) => said.code === code && said.count === count;
    expected.add("token.refuse", { token: token.id, actor: { member: null, token: token.id }, details });
  };

  const [revoked, reader, locked] = [await pat("revoked"), await pat("reader"), await pat("locked", { passphrase: "correct horse battery" })];
  const expired = await pat("expired", { expires_at: new Date(product.clock.now() + 60_000).toISOString() });
  const key = await newKey();
  const signs = await register(product, owner.secret, key, { kind: "pat", name: "signs", scopes: ["write"] });
  assert.equal(signs.status, 201, signs.text);
  secrets.push("correct horse battery", "wrong horse battery");
  await call("DELETE", `/v1/tokens/${revoked.token.id}`);
  product.clock.advance(61);

  const codes = async (method, headers, expectedCodes) => {
    for (const code of expectedCodes) assert.equal((await ask(method, headers)).json?.code, code);
  };
  await codes("GET", bearer(revoked.secret), ["revoked"]);
  await codes("GET", bearer(expired.secret), ["expired"]);
  await codes("POST", bearer(reader.secret), ["insufficient_permission"]);
  const wrong = { ...bearer(locked.secret), "x-token-passphrase": "wrong horse battery" };
  await codes("GET", wrong, [...Array(5).fill("passphrase_wrong"), "locked"]);
  const once = await signed(key, { method: "POST", path: "/things", host: GATEWAY, body: "{}", headers: from }, { now: product.clock.seconds() });
  assert.equal((await product.send(once)).text, "origin");
  assert.equal((await product.send(once)).json.code, "replayed");

  const holder = { member: owner.owner.id, token: locked.token.id };
  expected.add("token.passphrase_wrong", { token: locked.token.id, actor: holder, times: 5 });
  expected.add("token.lock", { token: locked.token.id, actor: holder });
  refused(revoked.token, "revoked", 1);
  refused(expired.token, "expired", 1);
  refused(reader.token, "insufficient_permission", 1);
  refused(locked.token, "locked", 1);
  refused(signs.json.token, "replayed", 1);
  await until("the edge has handed over what it refused", async () => expected.missing((await world.exported()).entries).length === 0);

  // Those after the first are added up, and told when their window has ended.
  await codes("GET", bearer(revoked.secret), ["revoked", "revoked", "revoked"]);
  product.clock.advance(301);
  refused(revoked.token, "revoked", 3);
  await until("they are told", async () => {
    await ask("GET", bearer(reader.secret));
    return expected.missing((await world.exported()).entries).length === 0;
  });
  await checkLog(world, expected);
});

test("that storage was put back to an older state is in the log, once", async (t) => {
  const world = await prepared(t);
  const { product, owner, call, pat } = world;
  const kept = await pat("kept");
  await pat("lost");
  const ask = () => call("GET", "/v1/whoami", undefined, { token: kept.secret });
  await ask();
  // The edge holds the newest change's epoch, and the storage no longer does.
  const done = await product.inObject("organization", owner.organization.short_id, "forget-newest-change");
  assert.equal(done.status, 200, done.text);
  const [{ epoch }] = JSON.parse(done.text);
  product.clock.advance(3);
  for (let n = 0; n < 3; n += 1) await ask();
  const entries = await checkLog(world, new Expected());
  const told = entries.filter(({ action }) => action === "storage.put_back");
  assert.deepEqual(told.map(({ actor, details }) => [actor, details.held]), [[{ member: null, token: null }, epoch]]);
  assert.ok(told[0].details.newest < epoch && Date.parse(told[0].at) > 0);
});

// Tokens brought in from another system with the hashes that it kept, in the runtime: bcrypt runs in WebAssembly here.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { assertProblem, launch } from "./lib/product.mjs";

const digest = (text) => createHash("sha256").update(text).digest("hex");
const SECRET = "hg_pat_0123456789abcdef0123456789abcdef0123456789abcdef";
/** Made by libxcrypt, at the cost that systems commonly have. */
const BCRYPT = "$2b$10$abcdefghijklmnopqrstuu3SkSPVROQ1LJryGwtnctViqfekO0tWO";

/** What the import of these answers. */
const bring = (product, token, tokens) =>
  product.send({ method: "POST", path: "/v1/tokens/import", token, body: { tokens } });

const whoami = (product, secret) => product.send({ path: "/v1/whoami", headers: { "x-api-key": secret } });

test("a bcrypt hash moves over and is replaced when its secret is first used", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "harborguard" });
  const entry = { kind: "pat", name: "moved", scopes: ["all"], prefix: SECRET.slice(0, 10), bcrypt: BCRYPT };
  const imported = await bring(product, owner.secret, [entry]);
  assert.equal(imported.status, 201, imported.text);
  const [{ id, prefix }] = imported.json.tokens;
  assert.equal(prefix, "hg_pat_012");
  assertProblem(await whoami(product, `${SECRET.slice(0, -1)}0`), 401, "unknown_token");
  for (let use = 0; use < 3; use += 1) {
    const who = await whoami(product, SECRET);
    assert.equal(who.status, 200, who.text);
    assert.equal(who.json.token.id, id);
  }
  const log = await product.send({ path: `/v1/activity?token=${id}`, token: owner.secret });
  assert.deepEqual(log.json.items.map(({ action }) => action), ["token.upgrade", "token.import"]);
  // Slower than the edge may be asked to be.
  const slow = { ...entry, bcrypt: BCRYPT.replace("$10$", "$13$") };
  assertProblem(await bring(product, owner.secret, [slow]), 400, "invalid_request");
});

test("eight bcrypt hashes share a public prefix, each with its own secret, and a ninth is refused", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "harborguard" });
  const entry = { kind: "pat", scopes: ["all"], prefix: SECRET.slice(0, 10) };
  const other = (number) => BCRYPT.replace("$10$abcdefghijklmnopqrstuu", `$10$abcdefghijklmnopqrst${number}u`);
  // Hashes of secrets that nobody knows, and the one that is known among them.
  const tokens = [1, 2, 3, 4, 5, 6, 7].map((number) => ({ ...entry, name: `n${number}`, bcrypt: other(number) }));
  assert.equal((await bring(product, owner.secret, [...tokens, { ...entry, name: "known", bcrypt: BCRYPT }])).status, 201);
  assertProblem(await bring(product, owner.secret, [{ ...entry, name: "ninth", bcrypt: other(8) }]), 409, "conflict");
  const who = await whoami(product, SECRET);
  assert.deepEqual([who.status, who.json?.token.name], [200, "known"], who.text);
});

test("several hundred tokens move over in batches, and each works", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "harborguard" });
  const secrets = Array.from({ length: 300 }, (_, number) => `hg_ak_${digest(`secret ${number}`).slice(0, 48)}`);
  for (let from = 0; from < secrets.length; from += 100) {
    const batch = secrets.slice(from, from + 100);
    const tokens = batch.map((secret) => ({ kind: "key", name: "k", role: "viewer", sha256: digest(secret) }));
    const { status, text } = await bring(product, owner.secret, tokens);
    assert.equal(status, 201, text);
  }
  for (const secret of secrets) {
    const who = await product.send({ path: "/v1/whoami", token: secret });
    assert.equal(who.status, 200, who.text);
  }
  const verified = await product.send({ path: "/v1/activity/verify", token: owner.secret });
  assert.equal(verified.json.valid, true);
});

test("a token is brought in for another member, whose role bounds it", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "harborguard" });
  const join = async (name, role) => {
    const body = { name, email: `${name}@example.com`, role };
    const { status, json, text } = await product.send({ method: "POST", path: "/v1/members", token: owner.secret, body });
    assert.equal(status, 201, text);
    return json.id;
  };
  const viewer = await join("vic", "viewer");
  const pipeline = await join("cid", "ci");
  const entry = { kind: "pat", name: "theirs", scopes: ["all"], sha256: digest(SECRET), owner: viewer };
  const imported = await bring(product, owner.secret, [entry]);
  assert.equal(imported.status, 201, imported.text);
  const [{ id, owner: whose, created_by }] = imported.json.tokens;
  assert.deepEqual([whose.id, created_by.member.id], [viewer, owner.owner.id]);
  const who = await whoami(product, SECRET);
  assert.deepEqual([who.json.principal.id, who.json.principal.role], [viewer, "viewer"], who.text);
  assert.ok(who.json.permissions.includes("scans:view") && !who.json.permissions.includes("scans:create"));
  const log = await product.send({ path: `/v1/activity?token=${id}&action=token.import`, token: owner.secret });
  assert.equal(log.json.items[0].details.owner, viewer, "the log names whose it became");

  // It stops with its member.
  const suspended = await product.send({ method: "PATCH", path: `/v1/members/${viewer}`, token: owner.secret, body: { status: "suspended" } });
  assert.equal(suspended.status, 200, suspended.text);
  assertProblem(await whoami(product, SECRET), 401, "owner_suspended");

  const refused = async (more, by = owner.secret) => (await bring(product, by, [{ ...entry, sha256: digest("x"), ...more }])).json;
  const field = async (more) => (await refused(more)).errors.map((error) => error.field);
  assert.deepEqual(await field({ owner: owner.token.id }), ["tokens[0].owner"], "no such member");
  assert.deepEqual(await field({ owner: pipeline }), ["tokens[0].owner"], "a role without personal tokens");
  assert.deepEqual(await field({ kind: "key", scopes: undefined, role: "viewer" }), ["tokens[0].owner"], "a key is nobody's own");

  // An admin reaches no owner, and gives no more than they have, now or when the member's role rises.
  const admin = await join("amy", "admin");
  const adas = "hg_pat_ffffffffffffffffffffffffffffffffffffffffffffffff";
  const given = await bring(product, owner.secret, [{ ...entry, sha256: digest(adas), owner: admin }]);
  assert.equal(given.status, 201, given.text);
  assert.equal((await refused({ owner: owner.owner.id, scopes: undefined, permissions: ["scans:view"] }, adas)).code, "insufficient_permission");
  assert.equal((await refused({}, adas)).code, "insufficient_permission");
  const narrow = { ...entry, sha256: digest("y"), scopes: undefined, permissions: ["scans:view"] };
  assert.equal((await bring(product, adas, [narrow])).status, 201);
});

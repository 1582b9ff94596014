// Limits over HTTP, as the profile says: of creations and of verifications that fail; creations are made once under a key;
// and whose word counts for where a request comes from.
import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { register } from "./lib/keys.mjs";
import { HOST, assertProblem, launch, until } from "./lib/product.mjs";
import { newKey, signed } from "./lib/sign.mjs";

/** The default profile with these limits. */
function limited(limits) {
  const text = readFileSync(fileURLToPath(new URL("../../profiles/symbolon.toml", import.meta.url)), "utf8");
  return text.replace("[permissions.api]", `[limits]\n${limits}\n\n[permissions.api]`);
}

/** A native secret of this body: it ends in the CRC-32 of all before it, as six digits of base 62. */
function withChecksum(text) {
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let rest = crc32(text);
  let sum = "";
  for (let n = 0; n < 6; n += 1) {
    sum = digits[rest % 62] + sum;
    rest = Math.floor(rest / 62);
  }
  return text + sum;
}

const from = (address) => ({ "cf-connecting-ip": address });

test("creations are limited as the profile says, for member, token and address, the refused ones too", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: limited("creation = { max = 3, seconds = 30 }") });
  const create = (token, address, body = { kind: "pat", name: "x", scopes: ["verify"] }) =>
    product.send({ method: "POST", path: "/v1/tokens", token, headers: from(address), body });
  const manager = await product.create(owner.secret, { kind: "key", name: "manager", permissions: ["tokens:*", "credentials:verify", "members:*"] });
  assertProblem(await create(owner.secret, "192.0.2.1", { kind: "pat" }), 400, "invalid_request");
  assert.equal((await create(owner.secret, "192.0.2.2")).status, 201);
  const refused = await create(owner.secret, "192.0.2.3");
  assertProblem(refused, 429, "rate_limited");
  assert.ok(Number(refused.headers["retry-after"]) >= 1 && Number(refused.headers["retry-after"]) <= 31);
  // Another token from an address that has had its own.
  const key = { kind: "key", name: "k", permissions: ["credentials:verify"] };
  for (let n = 0; n < 2; n += 1) assert.equal((await create(manager.secret, "192.0.2.9", key)).status, 201);
  const invite = { method: "POST", path: "/v1/members", token: manager.secret, headers: from("192.0.2.9"), body: { name: "B", email: "b@example.com", role: "viewer" } };
  assert.notEqual((await product.send(invite)).status, 429, "a member is no token");
  product.clock.advance(31);
  assert.equal((await create(owner.secret, "192.0.2.3")).status, 201);
});

test("ten creations in a minute come from an address, whoever's they are", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const members = [];
  for (const name of ["amy", "bob", "cat"]) {
    const invited = await product.send({ method: "POST", path: "/v1/invitations", token: owner.secret, body: { email: `${name}@example.com`, role: "admin" } });
    const { invitation, secret } = invited.json;
    const accepted = await product.send({ method: "POST", path: `/v1/invitations/${invitation.id}/accept`, body: { secret, name } });
    assert.equal(accepted.status, 201, accepted.text);
    members.push(accepted.json.secret);
  }
  const create = (token, address) =>
    product.send({ method: "POST", path: "/v1/tokens", token, headers: from(address), body: { kind: "pat", name: "x", scopes: ["read"] } });
  // Three or four of each: no member and no token comes near to ten.
  for (let n = 0; n < 10; n += 1) assert.equal((await create(members[n % 3], "192.0.2.1")).status, 201);
  for (const token of [...members, owner.secret]) {
    const refused = await create(token, "192.0.2.1");
    assertProblem(refused, 429, "rate_limited");
    assert.ok(Number(refused.headers["retry-after"]) >= 1 && Number(refused.headers["retry-after"]) <= 61);
  }
  assert.equal((await create(members[0], "192.0.2.2")).status, 201);
  product.clock.advance(61);
  assert.equal((await create(members[0], "192.0.2.1")).status, 201);
});

test("guesses that name no organisation are counted over all edges by the locator", async (t) => {
  const product = await launch(t, { edges: 2 });
  const owner = await product.setup({ profile: "harborguard" });
  // One public prefix, and so one shard.
  const guess = (edge, address) =>
    product.send({ edge, path: "/v1/whoami", token: `hg_pat_abc${randomBytes(23).toString("hex").slice(0, 45)}`, headers: from(address) });
  for (let n = 0; n < 20; n += 1) assertProblem(await guess(n % 3, "192.0.2.1"), 401, "unknown_token");
  for (const edge of [0, 1, 2, 0, 1, 2]) {
    const refused = await guess(edge, "192.0.2.1");
    assertProblem(refused, 429, "rate_limited");
    assert.ok(Number(refused.headers["retry-after"]) >= 1 && Number(refused.headers["retry-after"]) <= 61);
  }
  for (const edge of [0, 1, 2]) {
    assertProblem(await guess(edge, "192.0.2.2"), 401, "unknown_token");
    assert.equal((await product.send({ edge, path: "/v1/whoami", token: owner.secret, headers: from("192.0.2.3") })).status, 200);
  }
  product.clock.advance(61);
  assertProblem(await guess(1, "192.0.2.1"), 401, "unknown_token");
});

test("failed verifications are limited as the profile says: guesses by address, over all edges", async (t) => {
  const product = await launch(t, { edges: 2 });
  const owner = await product.setup({ profile: limited("failed = { max = 6, seconds = 40 }") });
  const native = owner.secret.slice(0, 18);
  const guess = (edge, address) =>
    product.send({ edge, path: "/v1/whoami", token: withChecksum(native + randomBytes(16).toString("hex")), headers: from(address) });
  // Six, whichever edge they come to; the usual twenty hold nowhere.
  for (const edge of [0, 1, 2, 0, 1, 2]) assertProblem(await guess(edge, "192.0.2.1"), 401, "unknown_token");
  for (const edge of [0, 1, 2]) {
    const refused = await guess(edge, "192.0.2.1");
    assertProblem(refused, 429, "rate_limited");
    assert.ok(Number(refused.headers["retry-after"]) >= 1 && Number(refused.headers["retry-after"]) <= 41, refused.headers["retry-after"]);
  }
  for (const edge of [0, 1, 2]) assertProblem(await guess(edge, "192.0.2.2"), 401, "unknown_token");
  assert.equal((await product.send({ path: "/v1/whoami", token: owner.secret })).status, 200);
  product.clock.advance(41);
  assertProblem(await guess(1, "192.0.2.1"), 401, "unknown_token");
});

test("failed verifications count for the token, its member and the address that they prove, over all edges", async (t) => {
  const product = await launch(t, { edges: 2 });
  const owner = await product.setup({ profile: limited("failed = { max = 6, seconds = 40 }") });
  const body = (name) => ({ kind: "pat", name, scopes: ["read"] });
  const make = async (name) => product.create(owner.secret, body(name));
  const [dead, late, living] = [await make("dead"), await make("late"), await make("living")];
  for (const { token } of [dead, late]) {
    assert.equal((await product.send({ method: "DELETE", path: `/v1/tokens/${token.id}`, token: owner.secret })).status, 200);
  }
  const ask = (edge, { secret }, address) => product.send({ edge, path: "/v1/whoami", token: secret, headers: from(address) });
  // Edges bring their refusals in with their next question; at the latest one more than there may be is told by each.
  const told = [];
  await until("the authority has counted them", async () => {
    for (const edge of [0, 1, 2]) told.push((await ask(edge, dead, "192.0.2.1")).status);
    return told.slice(-3).every((status) => status === 429);
  });
  const counted = told.filter((status) => status === 401).length;
  assert.ok(counted >= 6 && counted <= 9, `${counted} of them were told why: ${told}`);
  // The member's other dead token, from elsewhere; and what is good is good everywhere, from the same address too.
  assertProblem(await ask(0, late, "192.0.2.9"), 429, "rate_limited");
  for (const edge of [0, 1, 2]) assert.equal((await ask(edge, living, "192.0.2.1")).status, 200);
  const manage = await product.send({ path: "/v1/tokens", token: owner.secret, headers: from("192.0.2.1") });
  assert.equal(manage.status, 200, "their member manages tokens all the while");
  product.clock.advance(41);
  assertProblem(await ask(1, dead, "192.0.2.1"), 401, "revoked");
});

test("whoever only names a key, or guesses at its signature, holds nobody up who has it", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: limited("failed = { max = 4, seconds = 40 }") });
  const [key, wrong] = [await newKey(), await newKey()];
  const made = await register(product, owner.secret, key, { kind: "pat", name: "signs", scopes: ["read"] });
  assert.equal(made.status, 201, made.text);
  const sign = (by, address) =>
    signed(by, { path: "/v1/whoami", host: HOST, headers: from(address) }, { now: product.clock.seconds(), keyid: key.thumbprint });
  for (let n = 0; n < 4; n += 1) assertProblem(await product.send(await sign(wrong, "192.0.2.1")), 401, "signature_invalid");
  assertProblem(await product.send(await sign(wrong, "192.0.2.1")), 429, "rate_limited");
  for (const address of ["192.0.2.2", "192.0.2.3"]) {
    assert.equal((await product.send(await sign(key, address))).status, 200);
    assertProblem(await product.send(await sign(wrong, address)), 401, "signature_invalid");
  }
  assert.equal((await product.send({ path: "/v1/tokens", token: owner.secret })).status, 200, "nor their member");
});

test("no header is believed about where a request comes from unless the configuration names it", async (t) => {
  for (const [CLIENT_ADDRESS_HEADER, sent, expected] of [
    ["cf-connecting-ip", { "cf-connecting-ip": "192.0.2.7" }, "192.0.2.7"],
    ["cf-connecting-ip", { "cf-connecting-ip": "2001:db8::7" }, "2001:db8::7"],
    ["cf-connecting-ip", { "cf-connecting-ip": "nowhere, 192.0.2.7" }, null],
    ["x-real-ip", { "cf-connecting-ip": "192.0.2.7", "x-real-ip": "192.0.2.8" }, "192.0.2.8"],
    [undefined, { "cf-connecting-ip": "192.0.2.7", "x-forwarded-for": "192.0.2.7", "x-real-ip": "192.0.2.7" }, null],
  ]) {
    const product = await launch(t, { bindings: { CLIENT_ADDRESS_HEADER } });
    const owner = await product.setup();
    const body = { kind: "pat", name: "mine", scopes: ["read"] };
    const { json } = await product.send({ method: "POST", path: "/v1/tokens", token: owner.secret, headers: sent, body });
    assert.equal((await product.send({ path: "/v1/whoami", token: json.secret, headers: sent })).status, 200);
    const [entry] = (await product.send({ path: "/v1/activity?action=token.create", token: owner.secret })).json.items;
    assert.equal(entry.address, expected, `activity, ${CLIENT_ADDRESS_HEADER}`);
    await until("the use was counted", async () => {
      const shown = (await product.send({ path: `/v1/tokens/${json.token.id}`, token: owner.secret })).json;
      if (shown.use_count === 0) return false;
      assert.equal(shown.last_used_ip, expected, `last use, ${CLIENT_ADDRESS_HEADER}`);
      return true;
    });
    await product.end();
  }
});

test("whatever is created is created once under an Idempotency-Key", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  for (const [path, body, id] of [
    ["/v1/tokens", { kind: "pat", name: "a", scopes: ["read"] }, (json) => json.token.id],
    ["/v1/onboarding", { repository: "acme/shop" }, (json) => json.token.id],
    ["/v1/members", { name: "Bob", email: "bob@example.com", role: "viewer" }, (json) => json.id],
    ["/v1/invitations", { email: "eve@example.com", role: "viewer" }, (json) => json.invitation.id],
  ]) {
    const send = (changes, key) =>
      product.send({ method: "POST", path, token: owner.secret, headers: { "idempotency-key": key }, body: { ...body, ...changes } });
    const first = await send({}, path);
    assert.equal(first.status, 201, first.text);
    const again = await send({}, path);
    assert.equal(again.status, 201, again.text);
    assert.equal(id(again.json), id(first.json));
    assert.ok(!("secret" in again.json) && !("link" in again.json), again.text);
  }
  const other = { kind: "pat", name: "b", scopes: ["read"] };
  const reused = await product.send({ method: "POST", path: "/v1/tokens", token: owner.secret, headers: { "idempotency-key": "/v1/tokens" }, body: other });
  assertProblem(reused, 409, "conflict");
});

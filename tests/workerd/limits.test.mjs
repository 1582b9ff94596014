// Creations over HTTP: how many, as the profile says, and once under a key; and whose word counts for where a request comes
// from.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertProblem, launch, until } from "./lib/product.mjs";

/** The default profile with these limits. */
function limited(limits) {
  const text = readFileSync(fileURLToPath(new URL("../../profiles/symbolon.toml", import.meta.url)), "utf8");
  return text.replace("[permissions.api]", `[limits]\n${limits}\n\n[permissions.api]`);
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

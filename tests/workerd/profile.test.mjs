// Replacing the profile over HTTP: what it may give to whom, and that what it takes away is refused at once.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { assertProblem, launch } from "./lib/product.mjs";

async function prepared(t) {
  const product = await launch(t);
  const owner = await product.setup();
  const { json } = await product.send({ path: "/v1/profile", token: owner.secret });
  const put = (token, profile) => product.send({ method: "PUT", path: "/v1/profile", token, body: { profile } });
  /** The profile with one text replaced. */
  const varied = (part, by) => {
    assert.ok(json.profile.includes(part), part);
    return json.profile.replace(part, by);
  };
  return { product, owner, text: json.profile, put, varied };
}

test("a token that may edit the profile gives nobody what it does not have, itself least of all", async (t) => {
  const { product, owner, text, put, varied } = await prepared(t);
  const manager = await product.create(owner.secret, { kind: "pat", name: "manager", scopes: ["manage"] });
  const permissions = async (secret) => (await product.send({ path: "/v1/whoami", token: secret })).json.permissions;
  const before = await permissions(manager.secret);
  for (const [part, by, field] of [
    ['"routes:*", "organizations:*"]', '"routes:*", "organizations:*", "api:*"]', "scopes.manage"],
    ['"routes:*", "organizations:*"]', '"*:*"]', "scopes.manage"],
    ["[scopes.read]", '[permissions.orders]\nread = "Read orders"\n\n[scopes.read]', "permissions.orders.read"],
    ["[roles.viewer]", '[roles.boss]\ntitle = "Boss"\nrank = 200\npermissions = ["*:*"]\n\n[roles.viewer]', "roles.boss"],
    ['ceiling = "owner_role"', 'ceiling = "everything"', "kinds.pat.ceiling"],
    ["passphrase = {}", 'passphrase = {}\nfreshness = "eventual"', "kinds.pat.freshness"],
    ["max_seconds = 31536000", "max_seconds = 315360000", "kinds.pat.expiry"],
    ["[permissions.api]", "[limits]\nfailed = { max = 10000, seconds = 1 }\n\n[permissions.api]", "limits.failed"],
  ]) {
    const refused = await put(manager.secret, varied(part, by));
    assertProblem(refused, 403, "insufficient_permission");
    assert.ok(refused.json.errors.some((error) => error.field === field), refused.text);
    assert.ok(before.every((permission) => permission !== refused.json.required), refused.text);
  }
  assert.deepEqual(await permissions(manager.secret), before);
  assert.equal((await product.send({ path: "/v1/profile", token: owner.secret })).json.profile, text);
  // Whoever has everything may add to it.
  const wider = varied("[scopes.read]", '[permissions.orders]\nread = "Read orders"\n\n[scopes.orders]\ntitle = "Orders"\npermissions = ["orders:read"]\n\n[scopes.read]');
  const done = await put(owner.secret, wider);
  assert.equal(done.status, 200, done.text);
});

test("what a profile takes away is refused from its answer on, whoever takes it", async (t) => {
  const { product, owner, text, put, varied } = await prepared(t);
  const manager = await product.create(owner.secret, { kind: "pat", name: "manager", scopes: ["manage"] });
  const writer = await product.create(owner.secret, { kind: "pat", name: "writer", scopes: ["write"] });
  const verify = async () => {
    const body = { credential: writer.secret, require: ["api:write"] };
    return (await product.send({ method: "POST", path: "/v1/verify", token: owner.secret, body })).json.code;
  };
  assert.equal(await verify(), "ok");
  const narrower = varied('permissions = ["api:read", "api:write"]\n\n[scopes.verify]', 'permissions = ["api:read"]\n\n[scopes.verify]');
  const done = await put(manager.secret, narrower);
  assert.equal(done.status, 200, done.text);
  assert.ok(done.json.holds_everywhere_at !== undefined, done.text);
  assert.equal(await verify(), "insufficient_permission");
  // Given back only by one who has it: these tokens of the owner's have it no longer.
  for (const secret of [manager.secret, owner.secret]) {
    const refused = await put(secret, text);
    assertProblem(refused, 403, "insufficient_permission");
    assert.equal(refused.json.required, "api:write");
  }
});

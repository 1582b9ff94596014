// Replacing the profile over HTTP: what it may give to whom, and that what it takes away is refused at once.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { signedIn } from "./lib/passkey.mjs";
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

test("a profile that takes away what a live token names is refused, with those tokens", async (t) => {
  const { product, owner, text, put } = await prepared(t);
  const more = `
[permissions.orders]
read = "Read orders"

[scopes.orders]
title = "Orders"
permissions = ["orders:read"]

[roles.clerk]
title = "Clerk"
rank = 10
permissions = ["orders:read"]

[kinds.robot]
title = "Robot"
prefix = "sym_bot_"
proofs = ["bearer"]
owner = "organization"
ceiling = "fixed_role"
grants = { scopes = ["read", "orders"], permissions = ["*:*"], roles = ["clerk", "viewer", "owner"] }
access = { create = ["owner"], see = ["owner"], manage = ["owner"] }
`;
  const without = (...parts) => parts.reduce((left, part) => {
    assert.ok(left.includes(part), part);
    return left.replace(part, "");
  }, text + more);
  const part = (name) => more.split("\n\n").find((one) => one.trimStart().startsWith(`[${name}]`)).trim();
  assert.equal((await put(owner.secret, text + more)).status, 200);
  // The owner's own token may do what it could before: what is new is granted in person.
  const browser = await signedIn(product, owner.secret);
  const make = async (body) => {
    const made = await browser.send({ method: "POST", path: "/v1/tokens", body: { kind: "robot", ...body } });
    assert.equal(made.status, 201, made.text);
    return made.json.token;
  };
  const tokens = {
    scope: await make({ name: "by scope", role: "owner", scopes: ["orders"] }),
    permission: await make({ name: "by permission", role: "owner", permissions: ["orders:read"] }),
    role: await make({ name: "by role", role: "clerk", permissions: ["*:*"] }),
  };
  const replace = (profile) => browser.send({ method: "PUT", path: "/v1/profile", body: { profile } });
  const refusedFor = async (profile, expected) => {
    const refused = await replace(profile);
    assertProblem(refused, 409, "conflict");
    const named = refused.json.errors.map(({ field, message }) => `${field} ${message}`);
    assert.deepEqual(named.toSorted(), expected.toSorted(), refused.text);
  };
  await refusedFor(without(part("scopes.orders"), ', "orders"'), [`tokens.${tokens.scope.id} names the scope orders`]);
  await refusedFor(without(part("roles.clerk"), '"clerk", '), [`tokens.${tokens.role.id} names the role clerk`]);
  const noPermission = without(part("permissions.orders"), part("scopes.orders"), part("roles.clerk"), ', "orders"', '"clerk", ');
  await refusedFor(noPermission, [
    `tokens.${tokens.scope.id} names the scope orders`,
    `tokens.${tokens.permission.id} names the permission orders:read`,
    `tokens.${tokens.role.id} names the role clerk`,
  ]);
  await refusedFor(without(part("kinds.robot")), Object.values(tokens).map(({ id }) => `tokens.${id} names the kind robot`));
  // Once they are revoked, nothing that lives names it.
  for (const { id } of Object.values(tokens)) {
    assert.equal((await product.send({ method: "DELETE", path: `/v1/tokens/${id}`, token: owner.secret })).status, 200);
  }
  const done = await replace(text);
  assert.equal(done.status, 200, done.text);
});

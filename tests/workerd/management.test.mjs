// The management interface over HTTP: setup, tokens and their lives, and every way to be refused.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { GATEWAY, SETUP_CODE, assertOurs, assertProblem, launch, setupBody } from "./lib/product.mjs";
import { brokenCopy, inventedSecret } from "./lib/tokens.mjs";

test("the instance is healthy before anybody has set it up, and serves nothing else of an organisation", async (t) => {
  const product = await launch(t);
  const health = await product.send({ path: "/healthz" });
  assert.deepEqual([health.status, health.json], [200, { status: "ok" }]);
  assertOurs(health);
  assertProblem(await product.send({ path: "/v1/whoami" }), 401, "missing_credential");
  assertProblem(await product.send({ path: "/v1/nothing" }), 404, "not_found");
  const wrongMethod = await product.send({ method: "PUT", path: "/v1/tokens" });
  assertProblem(wrongMethod, 405, "method_not_allowed");
  assert.equal(wrongMethod.headers.allow, "GET, HEAD, POST");
});

test("HEAD is answered as GET is, without the body, wherever there is GET (RFC 9110, section 9.3.2)", async (t) => {
  const product = await launch(t);
  const { secret: token, token: { id } } = await product.setup();
  const plain = ({ status, headers: { date, "server-timing": _, ...headers } }) => ({ status, headers: { ...headers, "content-length": undefined, "transfer-encoding": undefined } });
  for (const [path, status] of [
    ["/healthz", 200],
    ["/.well-known/oauth-authorization-server", 200],
    ["/v1/whoami", 200],
    ["/v1/tokens?limit=1", 200],
    [`/v1/tokens/${id}`, 200],
    ["/v1/routes", 200],
    ["/v1/activity/export", 200],
    ["/v1/tokens/nothing", 404],
    ["/v1/nothing", 404],
    ["/api/v1/pats/", 404],
  ]) {
    const [got, headed] = [await product.send({ path, token }), await product.send({ method: "HEAD", path, token })];
    assert.deepEqual([got.status, headed.text], [status, ""], path);
    assert.deepEqual(plain(headed), plain(got), path);
  }
  assert.equal((await product.send({ method: "HEAD", path: "/v1/whoami" })).status, 401);
  const only_post = await product.send({ method: "HEAD", path: "/v1/setup" });
  assert.deepEqual([only_post.status, only_post.headers.allow], [405, "POST"]);
});

test("setup happens once, with its code, and repeats a lost answer until the token is used", async (t) => {
  const product = await launch(t);
  const setup = (body) => product.send({ method: "POST", path: "/v1/setup", body });
  for (const setup_code of [undefined, "", SETUP_CODE.slice(1), `${SETUP_CODE} `]) {
    assertProblem(await setup(setupBody({ setup_code: setup_code ?? null })), 401, "unknown_token");
  }
  const bad = await setup({ ...setupBody({ slug: "No" }), surplus: 1 });
  assertProblem(bad, 400, "invalid_request");
  assert.equal(bad.json.errors[0].field, "surplus");
  const slug = await setup(setupBody({ slug: "No Slug" }));
  assert.equal(slug.json.errors[0].field, "organization.slug");
  const profile = await setup(setupBody({ profile: "no such profile" }));
  assertProblem(profile, 400, "invalid_request");

  const first = await setup(setupBody());
  assert.equal(first.status, 201, first.text);
  assertOurs(first);
  const { organization, owner, token, secret } = first.json;
  assert.equal(organization.slug, "acme");
  assert.equal(owner.email, "ada@example.com");
  assert.match(secret, /^sym_pat_[0-9A-Za-z]{48}$/u);
  const again = await setup(setupBody());
  assert.equal(again.status, 201, again.text);
  assert.equal(again.json.token.id, token.id);
  assert.notEqual(again.json.secret, secret);

  assertProblem(await setup(setupBody({ slug: "other" })), 409, "conflict");
  const who = await product.send({ path: "/v1/whoami", token: again.json.secret });
  assert.equal(who.status, 200, who.text);
  assert.equal(who.json.organization.slug, "acme");
  assertProblem(await setup(setupBody()), 409, "conflict");
});

test("without a setup code there is no setup", async (t) => {
  const product = await launch(t, { bindings: { SETUP_CODE: undefined } });
  assertProblem(await product.send({ method: "POST", path: "/v1/setup", body: setupBody() }), 403, "insufficient_permission");
});

test("a token is created, verified, revoked and then refused", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const { token, secret } = await product.create(owner.secret, { kind: "pat", name: "laptop", scopes: ["read"] });
  assert.match(secret, /^sym_pat_[0-9A-Za-z]{48}$/u);
  assert.equal(token.status, "active");
  assert.ok(secret.startsWith(token.prefix) && token.prefix.length < 24);

  const who = await product.send({ path: "/v1/whoami", token: secret });
  assert.equal(who.status, 200, who.text);
  assert.equal(who.json.token.id, token.id);
  assert.equal(who.json.principal.email, "ada@example.com");
  assert.deepEqual(who.json.permissions, ["api:read"]);

  const verify = (body) => product.send({ method: "POST", path: "/v1/verify", token: owner.secret, body });
  const good = await verify({ credential: secret, require: ["api:read"] });
  assert.deepEqual([good.status, good.json.valid, good.json.code, good.json.token.id], [200, true, "ok", token.id]);
  const narrow = await verify({ credential: secret, require: ["api:write"] });
  assert.deepEqual([narrow.json.valid, narrow.json.code], [false, "insufficient_permission"]);

  for (const path of ["/v1/tokens", `/v1/tokens/${token.id}`]) {
    const shown = await product.send({ path, token: owner.secret });
    assert.equal(shown.status, 200, shown.text);
    assert.ok(!shown.text.includes(secret.slice(-20)), "a secret is shown once");
  }
  const listed = await product.send({ path: "/v1/tokens?q=laptop", token: owner.secret });
  assert.deepEqual(listed.json.items.map(({ id }) => id), [token.id]);

  const revoked = await product.send({ method: "DELETE", path: `/v1/tokens/${token.id}`, token: owner.secret });
  assert.equal(revoked.status, 200, revoked.text);
  assert.ok(revoked.json.holds_everywhere_at !== undefined);
  assertProblem(await product.send({ path: "/v1/whoami", token: secret }), 401, "revoked");
  const after = await verify({ credential: secret });
  assert.deepEqual([after.json.valid, after.json.code], [false, "revoked"]);
  const log = product.logged.join("\n");
  for (const hidden of [secret, owner.secret, SETUP_CODE]) assert.ok(!log.includes(hidden), "no secret is logged");
});

test("what a token may do is what was granted and no more", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const reader = await product.create(owner.secret, { kind: "pat", name: "reader", scopes: ["read"] });
  const another = { kind: "pat", name: "another", scopes: ["read"] };
  const create = await product.send({ method: "POST", path: "/v1/tokens", token: reader.secret, body: another });
  assertProblem(create, 403, "insufficient_permission");
  assert.equal(create.json.required, "tokens:create");
  // Each kind has its own permission to be seen: who has none sees an empty list.
  const list = await product.send({ path: "/v1/tokens", token: reader.secret });
  assert.deepEqual(list.json.items, []);
  // Nobody hands on what they do not have.
  const manager = await product.create(owner.secret, { kind: "pat", name: "manager", scopes: ["manage"] });
  const wider = await product.send({ method: "POST", path: "/v1/tokens", token: manager.secret, body: another });
  assertProblem(wider, 403, "insufficient_permission");
  const nothing = await product.send({ method: "POST", path: "/v1/tokens", token: owner.secret, body: { kind: "pat", name: "x", scopes: [] } });
  assertProblem(nothing, 400, "invalid_request");

  const key = await product.create(owner.secret, { kind: "key", name: "service", permissions: ["credentials:verify"] });
  assert.match(key.secret, /^sym_key_/u);
  const verdict = await product.send({ method: "POST", path: "/v1/verify", token: key.secret, body: { credential: reader.secret } });
  assert.equal(verdict.json.valid, true, verdict.text);
  assert.equal(verdict.json.principal.type, "member");
  assertProblem(await product.send({ path: "/v1/activity", token: key.secret }), 403, "insufficient_permission");
  const refused = await product.send({ method: "POST", path: "/v1/verify", token: reader.secret, body: { credential: key.secret } });
  assertProblem(refused, 403, "insufficient_permission");
  assert.equal(refused.json.required, "credentials:verify");
});

test("a token ends when its time has come", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const expires_at = new Date(product.clock.now() + 60_000).toISOString();
  const { secret } = await product.create(owner.secret, { kind: "pat", name: "short", scopes: ["read"], expires_at });
  assert.equal((await product.send({ path: "/v1/whoami", token: secret })).status, 200);
  product.clock.advance(61);
  assertProblem(await product.send({ path: "/v1/whoami", token: secret }), 401, "expired");
  const verdict = await product.send({ method: "POST", path: "/v1/verify", token: owner.secret, body: { credential: secret } });
  assert.deepEqual([verdict.json.valid, verdict.json.code], [false, "expired"]);
});

test("each way to be no credential has a code of its own", async (t) => {
  const product = await launch(t);
  const { secret, organization } = await product.setup();
  const who = (headers) => product.send({ path: "/v1/whoami", headers });
  const cases = [
    [{}, "missing_credential"],
    [{ authorization: "Bearer nonsense" }, "malformed_credential"],
    [{ authorization: `Bearer ${secret.slice(0, -1)}` }, "malformed_credential"],
    [{ authorization: `Bearer ${brokenCopy(secret)}` }, "malformed_credential"],
    [{ authorization: `Bearer ${inventedSecret(secret)}` }, "unknown_token"],
    [{ authorization: `Bearer ${inventedSecret(secret, "ZZZZZZZZZZ")}` }, "unknown_token"],
    [{ authorization: `Bearer ${secret}`, "x-api-key": inventedSecret(secret) }, "malformed_credential"],
  ];
  for (const [headers, code] of cases) {
    const refused = await who(headers);
    assertProblem(refused, 401, code);
    const expected = code === "missing_credential" ? /^Bearer realm="symbolon"$/u : /error="invalid_token"/u;
    assert.match(refused.headers["www-authenticate"], expected);
    assert.ok(!refused.text.includes(organization.id), "who presents nothing valid learns nothing");
  }
  assert.equal((await who({ "x-api-key": secret })).status, 200);
});

test("bodies are bounded, and unknown fields are named", async (t) => {
  const product = await launch(t);
  const { secret } = await product.setup();
  const post = (body, headers) => product.send({ method: "POST", path: "/v1/tokens", token: secret, body, headers });
  const unknown = await post({ kind: "pat", name: "x", scopes: ["read"], scope: "read" });
  assertProblem(unknown, 400, "invalid_request");
  assert.ok(unknown.json.errors.some(({ field }) => field === "scope"), unknown.text);
  assertProblem(await post("{", { "content-type": "application/json" }), 400, "invalid_request");
  const huge = JSON.stringify({ kind: "pat", name: "x".repeat(300 * 1024), scopes: ["read"] });
  assertProblem(await post(huge, { "content-type": "application/json" }), 413, "too_large");
  // Not declared: found out while reading.
  assertProblem(await post(huge, { "content-type": "application/json", "transfer-encoding": "chunked" }), 413, "too_large");
});

test("two organisations cannot see each other", async (t) => {
  const product = await launch(t);
  const acme = await product.setup();
  const { status, json: other, text } = await product.send({
    method: "POST",
    path: "/v1/organizations",
    token: acme.secret,
    body: setupBody({ slug: "other", owner: { name: "Bob", email: "bob@example.org" } }),
  });
  assert.equal(status, 201, text);
  const mine = await product.create(acme.secret, { kind: "pat", name: "mine", scopes: ["read"] });
  for (const [reader, foreign] of [
    [other.secret, mine.token],
    [acme.secret, other.token],
  ]) {
    assertProblem(await product.send({ path: `/v1/tokens/${foreign.id}`, token: reader }), 404, "not_found");
    assertProblem(await product.send({ method: "DELETE", path: `/v1/tokens/${foreign.id}`, token: reader }), 404, "not_found");
    const list = await product.send({ path: "/v1/tokens", token: reader });
    assert.ok(!list.text.includes(foreign.id));
  }
  const verdict = await product.send({ method: "POST", path: "/v1/verify", token: other.secret, body: { credential: mine.secret } });
  assert.deepEqual([verdict.status, verdict.json.valid, verdict.json.code], [200, false, "unknown_token"]);
  assert.deepEqual([verdict.json.token, verdict.json.organization], [null, null]);
  assert.equal((await product.send({ path: "/v1/whoami", token: mine.secret })).status, 200);
  // Only the founding organisation makes others, and reads or changes the instance's routes.
  for (const request of [
    { method: "POST", path: "/v1/organizations", body: setupBody({ slug: "third" }) },
    { path: "/v1/routes" },
    { method: "PUT", path: "/v1/routes", body: { routes: [] } },
  ]) {
    assertProblem(await product.send({ ...request, token: other.secret }), 403, "insufficient_permission");
  }
  const taken = setupBody({ slug: "other", owner: { name: "Eve", email: "eve@example.org" } });
  assertProblem(await product.send({ method: "POST", path: "/v1/organizations", token: acme.secret, body: taken }), 409, "conflict");
});

test("a gateway host serves no path of the product", async (t) => {
  const product = await launch(t);
  const { secret } = await product.setup();
  for (const path of ["/v1/whoami", "/healthz", "/v1/setup", "/"]) {
    const response = await product.send({ path, host: GATEWAY, token: secret });
    assertProblem(response, 404, "not_found");
  }
});

// Logins from a command line (RFC 8628), what other servers ask of tokens (RFC 7662, 7009, 8414), onboarding and
// invitations, over HTTP.
import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { register } from "./lib/keys.mjs";
import { signedIn } from "./lib/passkey.mjs";
import { HOST, assertOurs, assertProblem, launch } from "./lib/product.mjs";
import { newKey, signed } from "./lib/sign.mjs";

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

function form(product, path, fields, options = {}) {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return product.send({ method: "POST", path, headers, body: new URLSearchParams(fields).toString(), ...options });
}

async function begin(product, scope = "scan") {
  const begun = await form(product, "/oauth/device_authorization", { client_id: "cli", scope });
  assert.equal(begun.status, 200, begun.text);
  assertOurs(begun);
  return begun.json;
}

const collect = (product, device_code) =>
  form(product, "/oauth/token", { grant_type: DEVICE_GRANT, client_id: "cli", device_code });

function assertOauthError(response, status, error) {
  assert.deepEqual([response.status, response.json?.error], [status, error], response.text);
  assert.ok(response.json.error_description.length > 0, "a reason is given");
  assertOurs(response);
}

test("a device logs in once a member has approved, and gets the kind's least", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "devguard" });
  const { device_code, user_code, verification_uri, interval, expires_in } = await begin(product);
  assert.match(user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/u);
  assert.deepEqual([verification_uri.endsWith("/device"), interval, expires_in], [true, 5, 600]);
  assertOauthError(await collect(product, device_code), 400, "authorization_pending");
  assertOauthError(await collect(product, device_code), 400, "slow_down");

  const shown = await product.send({ path: `/v1/device?user_code=${user_code}`, token: owner.secret });
  assert.equal(shown.status, 200, shown.text);
  assert.deepEqual([shown.json.client_id, shown.json.asked_scope, shown.json.scopes], ["cli", "scan", ["scan"]]);
  assert.ok("asked_from" in shown.json && "you" in shown.json);
  const approve = { method: "POST", path: "/v1/device/approve", body: { user_code: user_code.toLowerCase() } };
  assertProblem(await product.send(approve), 401, "missing_credential");
  const browser = await signedIn(product, owner.secret);
  assert.equal((await browser.send(approve)).status, 200);

  const made = await collect(product, device_code);
  assert.equal(made.status, 200, made.text);
  assert.deepEqual([made.json.token_type, made.json.scope], ["Bearer", "scan"]);
  assert.match(made.json.access_token, /^dvg_[0-9a-f]{64}$/u);
  const me = await product.send({ path: "/v1/whoami", token: made.json.access_token });
  assert.deepEqual([me.status, me.json.principal.email], [200, "ada@example.com"], me.text);
  assertOauthError(await collect(product, device_code), 400, "expired_token");
});

test("a login gets exactly what it asks for, or is denied", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const browser = await signedIn(product, owner.secret);
  const approve = (user_code) => browser.send({ method: "POST", path: "/v1/device/approve", body: { user_code } });

  const asked = await begin(product, "read manage");
  const shown = await browser.send({ path: `/v1/device?user_code=${asked.user_code}` });
  assert.deepEqual([shown.json.beyond_least, shown.json.refusal, shown.json.scopes], [true, null, ["manage", "read"]], shown.text);
  const creates = shown.json.allows.find(({ permission }) => permission === "tokens:create");
  assert.ok(creates.sensitive && creates.description.length > 0);
  assert.equal((await approve(asked.user_code)).status, 200);
  const made = await collect(product, asked.device_code);
  assert.deepEqual([made.status, made.json.scope], [200, "manage read"], made.text);
  const create = { method: "POST", path: "/v1/tokens", body: { kind: "pat", name: "laptop", scopes: ["read"] } };
  assert.equal((await product.send({ ...create, token: made.json.access_token })).status, 201);

  const bogus = await begin(product, "read bogus");
  const refused = await approve(bogus.user_code);
  assertProblem(refused, 400, "invalid_request");
  assert.match(refused.json.detail, /asks for bogus, .* read, write, verify, manage\./u);
  assertOauthError(await collect(product, bogus.device_code), 400, "access_denied");
  const nothing = await form(product, "/oauth/device_authorization", { client_id: "cli", scope: 're"ad' });
  assertOauthError(nothing, 400, "invalid_scope");
});

test("a login is approved by a person with a fresh passkey, and by no token and no key", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const browser = await signedIn(product, owner.secret);
  const { device_code, user_code } = (await form(product, "/oauth/device_authorization", { client_id: "cli" })).json;
  const path = "/v1/device/approve";
  const body = JSON.stringify({ user_code });
  const approve = { method: "POST", path, body, headers: { "content-type": "application/json" } };
  const refused = (answer) => {
    assertProblem(answer, 403, "insufficient_permission");
    assert.equal(answer.json.required, "session:fresh");
    return answer.json.detail;
  };
  // It says what to do instead.
  assert.match(refused(await product.send({ ...approve, token: owner.secret })), /sign in to the console.*\/device/u);
  // A token counts where there is a session beside it.
  refused(await browser.send({ ...approve, token: owner.secret }));
  const key = await newKey();
  const made = await register(product, owner.secret, key, { kind: "pat", name: "signs", scopes: ["read", "write", "manage"] });
  assert.equal(made.status, 201, made.text);
  refused(await product.send(await signed(key, { method: "POST", path, host: HOST, body }, { now: product.clock.seconds() })));
  assertOauthError(await collect(product, device_code), 400, "authorization_pending");

  // Nor by a page of another origin, nor once the passkey was shown too long ago.
  assertProblem(await browser.send({ ...approve, headers: { ...approve.headers, "x-symbolon-csrf": "" } }), 403, "insufficient_permission");
  product.clock.advance(300);
  refused(await browser.send(approve));
  assert.equal((await browser.confirm(browser.passkey)).status, 200);
  assert.equal((await browser.send(approve)).status, 200);
  assert.equal((await collect(product, device_code)).status, 200);
});

test("a login that is denied, unknown or too old says so", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "devguard" });
  const { device_code, user_code } = await begin(product);
  const deny = { method: "POST", path: "/v1/device/deny", body: { user_code }, token: owner.secret };
  assert.equal((await product.send(deny)).status, 200);
  assertOauthError(await collect(product, device_code), 400, "access_denied");
  assertOauthError(await collect(product, "0".repeat(66)), 400, "expired_token");
  assertOauthError(await collect(product, "made up"), 400, "invalid_grant");
  assertProblem(await product.send(deny), 404, "not_found");

  const late = await begin(product);
  product.clock.advance(601);
  const browser = await signedIn(product, owner.secret);
  const approve = { method: "POST", path: "/v1/device/approve", body: { user_code: late.user_code } };
  assertProblem(await browser.send(approve), 404, "not_found");
  assertOauthError(await collect(product, late.device_code), 400, "expired_token");
});

test("an approval outlives workerd, and a code that nobody was given writes nothing", async (t) => {
  const product = await launch(t, { data: "folder" });
  const owner = await product.setup({ profile: "devguard" });
  const { device_code, user_code } = await begin(product);
  const browser = await signedIn(product, owner.secret);
  const approved = await browser.send({ method: "POST", path: "/v1/device/approve", body: { user_code } });
  assert.equal(approved.status, 200, approved.text);
  await product.restart();
  const made = await collect(product, device_code);
  assert.equal(made.status, 200, made.text);

  const shard = device_code.startsWith("00") ? "01" : "00";
  assertOauthError(await collect(product, shard + "0".repeat(64)), 400, "expired_token");
  const tables = await product.inObject("login", `login:${shard}`, "tables");
  assert.deepEqual(JSON.parse(tables.text), []);
});

test("tokens are introspected by who may verify, of their own organisation alone, and revoked by who holds them", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const { token, secret } = await product.create(owner.secret, { kind: "pat", name: "laptop", scopes: ["read"] });
  const introspect = (shown, by = owner.secret) => form(product, "/oauth/introspect", { token: shown }, { token: by });
  const good = await introspect(secret);
  assert.equal(good.status, 200, good.text);
  assert.deepEqual(
    [good.json.active, good.json.scope, good.json.jti, good.json.username],
    [true, "read", token.id, "ada@example.com"],
  );
  assert.equal(new Date(good.json.exp * 1000).toISOString().slice(0, 19), token.expires_at.slice(0, 19));
  assertProblem(await form(product, "/oauth/introspect", { token: secret }), 401, "missing_credential");
  assertProblem(await introspect(owner.secret, secret), 403, "insufficient_permission");

  const body = { organization: { slug: "other", name: "Other", profile: "symbolon" }, owner: { name: "Eve", email: "eve@example.com" } };
  const other = await product.send({ method: "POST", path: "/v1/organizations", token: owner.secret, body });
  if (other.status === 201) assert.deepEqual((await introspect(secret, other.json.secret)).json, { active: false });
  assert.deepEqual((await introspect("nothing")).json, { active: false });

  for (const shown of [secret, secret, "nothing"]) {
    const revoked = await form(product, "/oauth/revoke", { token: shown });
    assert.equal(revoked.status, 200, revoked.text);
  }
  assertProblem(await product.send({ path: "/v1/whoami", token: secret }), 401, "revoked");
  assert.deepEqual((await introspect(secret)).json, { active: false });
  assertOauthError(await form(product, "/oauth/revoke", {}), 400, "invalid_request");

  const metadata = await product.send({ path: "/.well-known/oauth-authorization-server" });
  assert.deepEqual(metadata.json.grant_types_supported, [DEVICE_GRANT]);
  for (const name of ["device_authorization", "token", "introspection", "revocation"]) {
    const { pathname } = new URL(metadata.json[`${name}_endpoint`]);
    assertProblem(await product.send({ path: pathname }), 405, "method_not_allowed");
  }
});

test("DevGuard's onboarding makes a personal token with scan and no more", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "devguard" });
  const made = await product.send({ method: "POST", path: "/v1/onboarding", token: owner.secret, body: { repository: "acme/shop" } });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual([made.json.token.scopes, made.json.token.owner.type], [["scan"], "member"]);
  assert.equal(made.json.variable, "DEVGUARD_TOKEN");
  const me = await product.send({ path: "/v1/whoami", token: made.json.secret });
  assert.deepEqual(me.json.permissions.toSorted(), ["assets:read", "scans:upload"]);
  // What it lacks is named; it is not called invalid.
  const body = { description: "x", scopes: "scan", expiryDateUnix: product.clock.seconds() + 3600 };
  const refused = await product.send({ method: "POST", path: "/api/v1/pats/", token: made.json.secret, body });
  assertProblem(refused, 403, "insufficient_permission");
  assert.equal(refused.json.required, "tokens:create");
});

test("whoever is invited becomes a member once, with a first token", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const body = { email: "Bob@example.com", role: "viewer" };
  const invited = await product.send({ method: "POST", path: "/v1/invitations", token: owner.secret, body });
  assert.equal(invited.status, 201, invited.text);
  const accept = (secret) =>
    product.send({ method: "POST", path: `/v1/invitations/${invited.json.invitation.id}/accept`, body: { secret, name: "Bob" } });
  assertProblem(await accept(`${invited.json.secret.slice(0, -1)}!`), 404, "not_found");
  const accepted = await accept(invited.json.secret);
  assert.equal(accepted.status, 201, accepted.text);
  const me = await product.send({ path: "/v1/whoami", token: accepted.json.secret });
  assert.deepEqual([me.json.principal.role, me.json.principal.email], ["viewer", "bob@example.com"]);
  assert.ok(!me.json.permissions.includes("api:write"), "a role bounds every token");
  assertProblem(await accept(invited.json.secret), 404, "not_found");
});

test("who guesses at tokens is stopped before a call leaves the isolate", async (t) => {
  const product = await launch(t);
  const owner = await product.setup();
  const headers = { "cf-connecting-ip": "192.0.2.7" };
  const guess = () =>
    product.send({ path: "/api/v1/whoami", headers: { ...headers, authorization: `Bearer dvg_${randomUUID().replaceAll("-", "").repeat(2)}` } });
  for (let n = 0; n < 20; n += 1) assertProblem(await guess(), 401, "unknown_token");
  const limited = await guess();
  assertProblem(limited, 429, "rate_limited");
  assert.ok(Number(limited.headers["retry-after"]) >= 1);
  assert.equal((await product.send({ path: "/v1/whoami", token: owner.secret })).status, 200, "another address");
});

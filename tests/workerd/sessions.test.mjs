// Passkeys and sessions of the console, over HTTP: what signs somebody in, and every way in which it must not.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { GATEWAY, assertProblem, launch } from "./lib/product.mjs";
import { Browser, ORIGIN, Passkey } from "./lib/passkey.mjs";

/** An instance whose owner has a passkey, and a browser of theirs. */
async function prepared(t, options) {
  const product = await launch(t, options);
  const { secret: token } = await product.setup();
  const browser = new Browser(product);
  const passkey = new Passkey();
  const added = await browser.register(passkey, { token });
  assert.equal(added.status, 201, added.text);
  return { product, token, browser, passkey, codes: added.json.recovery_codes, passkeyId: added.json.passkey.id };
}

const newest = async (product, token) => (await product.send({ path: "/v1/activity?limit=1", token })).json.items[0];

test("a passkey signs in, the session acts as its member, and signing out ends it", async (t) => {
  const { product, token, browser, passkey, codes } = await prepared(t);
  assert.equal(new Set(codes).size, 10);
  assertProblem(await browser.send({ path: "/v1/sessions/current" }), 401, "missing_credential");
  const signedIn = await browser.signIn(passkey);
  assert.equal(signedIn.status, 201, signedIn.text);
  assert.match(browser.cookie, /^sym_ses_[0-9A-Za-z]{48}$/u);
  assert.match(browser.setCookie, /^__Host-symbolon=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=604800$/u);
  assert.equal(signedIn.headers["cache-control"], "no-store");
  assert.ok(!signedIn.text.includes(browser.cookie), "no script sees the secret");
  assert.equal((await newest(product, token)).action, "session.begin");

  const current = await browser.send({ path: "/v1/sessions/current" });
  assert.deepEqual([current.status, current.json.member.email, current.json.organization.slug], [200, "ada@example.com", "acme"]);
  const who = await browser.send({ path: "/v1/whoami" });
  assert.deepEqual([who.status, who.json.token, who.json.principal.role], [200, null, "owner"]);
  const made = await browser.send({ method: "POST", path: "/v1/tokens", body: { kind: "pat", name: "mine", scopes: ["read"] } });
  assert.equal(made.status, 201, made.text);
  const routes = await browser.send({ path: "/v1/routes" });
  assert.equal(routes.status, 200, "calls of the instance as well");

  const { cookie, csrf } = browser;
  const out = await browser.send({ method: "DELETE", path: "/v1/sessions/current" });
  assert.equal(out.status, 200, out.text);
  assert.match(browser.setCookie, /^__Host-symbolon=; .*Max-Age=0$/u);
  Object.assign(browser, { cookie, csrf });
  assertProblem(await browser.send({ path: "/v1/whoami" }), 401, "unknown_token");
});

test("a session that was there before somebody signs in is never theirs", async (t) => {
  const { product, browser, passkey } = await prepared(t);
  // What an attacker plants: a secret of the right form, and a session of their own.
  const planted = `sym_ses_${"A".repeat(48)}`;
  browser.cookie = planted;
  assert.equal((await browser.signIn(passkey)).status, 201);
  assert.notEqual(browser.cookie, planted);
  const former = browser.cookie;
  assert.equal((await browser.signIn(passkey)).status, 201);
  assert.notEqual(browser.cookie, former);
  const left = await product.send({ path: "/v1/whoami", headers: { cookie: `__Host-symbolon=${former}` } });
  assertProblem(left, 401, "unknown_token");
  const list = await browser.send({ path: "/v1/sessions" });
  assert.equal(list.json.items.length, 1);
});

test("a request that another site forged does nothing", async (t) => {
  const { product, browser, passkey } = await prepared(t);
  await browser.signIn(passkey);
  const create = (headers) => browser.send({ method: "POST", path: "/v1/tokens", body: { kind: "pat", name: "x", scopes: ["read"] }, headers });
  for (const headers of [
    { "x-symbolon-csrf": "" },
    { "x-symbolon-csrf": "A".repeat(43) },
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `${ORIGIN}:8443` },
    { origin: "" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ]) {
    const refused = await create(headers);
    assertProblem(refused, 403, "insufficient_permission");
    assert.equal(refused.json.required, "session:same-origin", JSON.stringify(headers));
  }
  assert.equal((await create({})).status, 201);
  // Nor is anybody signed in, or out, by another site.
  const body = await browser.assertion(passkey);
  assertProblem(await browser.send({ method: "POST", path: "/v1/sessions", body, headers: { origin: "https://evil.example" } }), 403, "insufficient_permission");
  const out = await product.send({ method: "DELETE", path: "/v1/sessions/current", headers: { cookie: `__Host-symbolon=${browser.cookie}` } });
  assertProblem(out, 403, "insufficient_permission");
});

test("an assertion is taken once, fresh, from this origin and for this host", async (t) => {
  const { product, token, browser, passkey } = await prepared(t);
  const send = (body) => browser.send({ method: "POST", path: "/v1/sessions", body });
  const used = await browser.assertion(passkey);
  assert.equal((await send(used)).status, 201);
  assertProblem(await send(used), 401, "replayed");

  const late = await browser.assertion(passkey);
  product.clock.advance(301);
  assertProblem(await send(late), 401, "signature_stale");

  passkey.origin = "http://evil.example";
  assertProblem(await browser.signIn(passkey), 401, "signature_invalid");
  assert.equal((await newest(product, token)).details.reason, "origin");
  passkey.origin = ORIGIN;

  const elsewhere = await browser.assertion(passkey);
  passkey.rpId = "evil.example";
  const wrongHost = { ...elsewhere, credential: passkey.get({ challenge: elsewhere.challenge_id }) };
  assertProblem(await send(wrongHost), 401, "signature_invalid");
  assert.equal((await newest(product, token)).details.reason, "rp_id");
  passkey.rpId = "tokens.example";

  passkey.flags = 0x01;
  assertProblem(await browser.signIn(passkey), 401, "signature_invalid");
  assert.equal((await newest(product, token)).details.reason, "user_not_verified");
  passkey.flags = 0x05;
  assert.equal((await browser.signIn(passkey)).status, 201);
});

test("a cloned authenticator is refused and noted", async (t) => {
  const { product, token, browser, passkey } = await prepared(t);
  assert.equal((await browser.signIn(passkey)).status, 201);
  passkey.count -= 1;
  const cloned = await browser.signIn(passkey);
  assertProblem(cloned, 401, "signature_invalid");
  assert.match(cloned.json.detail, /copy/u);
  const entry = await newest(product, token);
  assert.deepEqual([entry.action, entry.details.reason], ["session.refuse", "cloned"]);
});

test("a recovery code works once, and guesses are limited", async (t) => {
  const { product, token, codes } = await prepared(t);
  const browser = new Browser(product);
  const recover = (recovery_code, more = {}) =>
    browser.send({ method: "POST", path: "/v1/sessions/recover", body: { organization: "acme", email: "ada@example.com", recovery_code, ...more } });
  assert.equal((await recover(codes[0])).status, 201);
  assert.equal((await newest(product, token)).action, "session.recover");
  const added = await browser.register(new Passkey(), { name: "Replacement" });
  assert.equal(added.status, 201, added.text);
  assert.equal(added.json.recovery_codes, undefined);
  assertProblem(await recover(codes[0]), 401, "unknown_token");
  assertProblem(await recover(codes[1], { organization: "nobodys" }), 401, "unknown_token");
  for (let guess = 2; guess < 5; guess += 1) assertProblem(await recover("00000-00000-00000-00000"), 401, "unknown_token");
  assertProblem(await recover(codes[1]), 429, "rate_limited");
});

test("a suspended member's session stops at once, and so does a removed one's", async (t) => {
  const { product, token, browser, passkey } = await prepared(t);
  const invited = await browser.send({ method: "POST", path: "/v1/invitations", token, body: { email: "bob@example.com", role: "admin" } });
  assert.equal(invited.status, 201, invited.text);
  const id = invited.json.invitation.id;
  const accepted = await product.send({ method: "POST", path: `/v1/invitations/${id}/accept`, body: { secret: invited.json.secret, name: "Bob" } });
  assert.equal(accepted.status, 201, accepted.text);
  const his = { browser: new Browser(product), passkey: new Passkey() };
  assert.equal((await his.browser.register(his.passkey, { token: accepted.json.secret })).status, 201);
  assert.equal((await his.browser.signIn(his.passkey)).status, 201);
  assert.equal((await his.browser.send({ path: "/v1/whoami" })).json.principal.role, "admin");

  await browser.signIn(passkey);
  const member = `/v1/members/${accepted.json.member.id}`;
  assert.equal((await browser.send({ method: "PATCH", path: member, body: { status: "suspended" } })).status, 200);
  assertProblem(await his.browser.send({ path: "/v1/whoami" }), 401, "unknown_token");
  assertProblem(await his.browser.signIn(his.passkey), 401, "owner_suspended");
  assert.equal((await browser.send({ method: "PATCH", path: member, body: { status: "active" } })).status, 200);
  assert.equal((await his.browser.signIn(his.passkey)).status, 201);
  assert.equal((await browser.send({ method: "DELETE", path: member })).status, 200);
  assertProblem(await his.browser.send({ path: "/v1/whoami" }), 401, "unknown_token");
  assertProblem(await his.browser.signIn(his.passkey), 401, "unknown_token");
});

test("an expired invitation admits nobody", async (t) => {
  const { product, token } = await prepared(t);
  const invited = await product.send({ method: "POST", path: "/v1/invitations", token, body: { email: "eve@example.com", role: "viewer" } });
  product.clock.advance(604_801);
  const path = `/v1/invitations/${invited.json.invitation.id}/accept`;
  assertProblem(await product.send({ method: "POST", path, body: { secret: invited.json.secret, name: "Eve" } }), 404, "not_found");
});

test("a destructive step wants a fresh passkey, which rotates the session", async (t) => {
  const { product, token, browser, passkey } = await prepared(t);
  const { token: other } = await product.create(token, { kind: "pat", name: "old", scopes: ["read"] });
  await browser.signIn(passkey);
  product.clock.advance(301);
  const revoke = () => browser.send({ method: "DELETE", path: `/v1/tokens/${other.id}` });
  const refused = await revoke();
  assertProblem(refused, 403, "insufficient_permission");
  assert.equal(refused.json.required, "session:fresh");
  const { cookie, csrf } = browser;
  assert.equal((await browser.confirm(passkey)).status, 200);
  assert.notEqual(browser.cookie, cookie);
  assert.notEqual(browser.csrf, csrf);
  assert.equal((await revoke()).status, 200);
  const former = await product.send({ path: "/v1/whoami", headers: { cookie: `__Host-symbolon=${cookie}` } });
  assertProblem(former, 401, "unknown_token");
});

test("a session unused for half a day is over", async (t) => {
  const { product, browser, passkey } = await prepared(t);
  await browser.signIn(passkey);
  product.clock.advance(43_201);
  assertProblem(await browser.send({ path: "/v1/whoami" }), 401, "unknown_token");
});

test("the cookie means nothing on a gateway host, and never reaches the origin", async (t) => {
  const { product, token, browser, passkey } = await prepared(t, { origin: () => new Response("origin") });
  await browser.signIn(passkey);
  const routes = [
    { method: "GET", path: "/public", public: true },
    { method: "GET", path: "/things", permission: "api:read" },
  ];
  assert.equal((await product.send({ method: "PUT", path: "/v1/routes", token, body: { routes } })).status, 200);
  const headers = { cookie: `a=1; __Host-symbolon=${browser.cookie}` };
  assertProblem(await product.send({ path: "/things", host: GATEWAY, headers }), 401, "missing_credential");
  assert.equal((await product.send({ path: "/public", host: GATEWAY, headers })).status, 200);
  assert.equal(product.seen.at(-1).headers.cookie, "a=1");
  const header = await product.send({ path: "/v1/whoami", headers: { authorization: `Bearer ${browser.cookie}` } });
  assertProblem(header, 401, "unknown_token");
});

// What strangers, other organisations and stale sessions are kept from, in the real Worker.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { GATEWAY, SETUP_CODE, assertProblem, launch, setupBody } from "./lib/product.mjs";
import { Browser, Passkey } from "./lib/passkey.mjs";

const origin = () => new Response("origin");

test("guesses at the setup code are stopped, for a whole network of IPv6, and hold nobody else up", async (t) => {
  const product = await launch(t);
  const setup = (address, setup_code) =>
    product.send({ method: "POST", path: "/v1/setup", body: setupBody({ setup_code }), headers: { "cf-connecting-ip": address } });
  for (let guess = 0; guess < 20; guess += 1) {
    assertProblem(await setup(`2001:db8:1:2::${guess}`, `a guess of some bytes ${guess}`), 401, "unknown_token");
  }
  assertProblem(await setup("2001:db8:1:2::ffff", SETUP_CODE), 429, "rate_limited");
  const done = await setup("2001:db8:1:3::1", SETUP_CODE);
  assert.equal(done.status, 201, done.text);
});

test("a setup code that is empty or short is none", async (t) => {
  for (const short of ["", "fifteen bytes .."].map((text) => text.slice(0, 15))) {
    const product = await launch(t, { bindings: { SETUP_CODE: short } });
    const body = setupBody({ setup_code: short });
    assertProblem(await product.send({ method: "POST", path: "/v1/setup", body }), 403, "insufficient_permission");
  }
});

test("a new route table wants a fresh passkey in the console, and is in the founding organisation's log", async (t) => {
  const product = await launch(t, { origin });
  const { secret: token } = await product.setup();
  const [browser, passkey] = [new Browser(product), new Passkey()];
  assert.equal((await browser.register(passkey, { token })).status, 201);
  assert.equal((await browser.signIn(passkey)).status, 201);
  product.clock.advance(301);
  const routes = [{ method: "GET", path: "/things", permission: "api:read" }];
  const put = () => browser.send({ method: "PUT", path: "/v1/routes", body: { routes } });
  const stale = await put();
  assertProblem(stale, 403, "insufficient_permission");
  assert.equal(stale.json.required, "session:fresh");
  assert.equal((await browser.confirm(passkey)).status, 200);
  const done = await put();
  assert.equal(done.status, 200, done.text);
  const log = await product.send({ path: "/v1/activity?action=routes.replace", token });
  assert.equal(log.json.items.length, 1);
  assert.equal(log.json.items[0].details.routes, 1);
  // Nor does a token that a stale session makes for itself take the passkey's place.
  product.clock.advance(301);
  const made = await browser.send({ method: "POST", path: "/v1/tokens", body: { kind: "pat", name: "x", scopes: ["read"] } });
  assert.equal(made.json.required, "session:fresh");
});

test("a route knows the tokens of one organisation, and a path has one spelling", async (t) => {
  const product = await launch(t, { origin });
  const { secret: token } = await product.setup();
  const second = await product.send({ method: "POST", path: "/v1/organizations", token, body: setupBody({ slug: "other", owner: { email: "bob@example.org" } }) });
  assert.equal(second.status, 201, second.text);
  const put = (routes) => product.send({ method: "PUT", path: "/v1/routes", token, body: { routes } });
  const route = (path, more = {}) => ({ method: "*", path, permission: "api:read", ...more });
  const nobodys = await put([route("/x", { organization: "nobodys" })]);
  assertProblem(nobodys, 400, "invalid_request");
  assert.equal(nobodys.json.errors[0].field, "routes[0].organization");
  const done = await put([
    route("/founding"),
    route("/others", { organization: "other" }),
    route("/anybodys", { organization: "*" }),
    { method: "*", path: "/items:purge", permission: "api:delete" },
    { method: "*", path: "/{*rest}", public: true },
  ]);
  assert.equal(done.status, 200, done.text);
  const ask = (path, secret) => product.send({ path, host: GATEWAY, token: secret });
  for (const [path, founding, other] of [["/founding", 200, 401], ["/others", 401, 200], ["/anybodys", 200, 200]]) {
    assert.deepEqual([(await ask(path, token)).status, (await ask(path, second.json.secret)).status], [founding, other], path);
  }
  assertProblem(await ask("/founding", second.json.secret), 401, "unknown_token");
  assertProblem(await ask("/items:purge", token), 403, "insufficient_permission");
  assertProblem(await ask("/items%3Apurge", token), 400, "invalid_request");
  assertProblem(await ask("/founding;x", token), 400, "invalid_request");
  assertProblem(await ask("/founding/", token), 404, "not_found");
});

test("Envoy's client does not choose by which proxy's fields it is judged", async (t) => {
  const secrets = ["nginx", "envoy"].map((kind) => `${kind}:0123456789abcdef`);
  const product = await launch(t, { bindings: { PROXY_SECRET: secrets.join(" ") } });
  const { secret: token } = await product.setup();
  const routes = [{ method: "GET", path: "/public", public: true }];
  assert.equal((await product.send({ method: "PUT", path: "/v1/routes", token, body: { routes } })).status, 200);
  const fields = { "x-original-method": "GET", "x-original-url": `https://${GATEWAY}/public`, "x-forwarded-proto": "https" };
  const ask = (path, secret) => product.send({ path, headers: { ...fields, "x-symbolon-proxy-secret": secret } });
  assert.equal((await ask("/v1/forward-auth/nginx", secrets[0])).status, 200);
  // Where a path that climbs out of Envoy's would lead.
  assertProblem(await ask("/v1/forward-auth/nginx", secrets[1]), 401, "missing_credential");
  for (const up of ["..", "%2e%2e"]) assert.ok((await ask(`/v1/forward-auth/envoy/${up}/nginx`, secrets[1])).status >= 400, up);
  assertProblem(await ask("/v1/forward-auth/caddy", ""), 404, "not_found");
});

test("a passphrase is hashed at the edge once its token may be made", async (t) => {
  const product = await launch(t);
  const { secret: owner } = await product.setup();
  const body = { kind: "pat", name: "p", scopes: ["read"], passphrase: "correct horse battery" };
  const { secret } = await product.create(owner, body);
  const who = (passphrase) =>
    product.send({ path: "/v1/whoami", token: secret, headers: passphrase === undefined ? {} : { "x-token-passphrase": passphrase } });
  assertProblem(await who(), 401, "passphrase_required");
  assert.equal((await who("correct horse battery")).status, 200);
  const short = await product.send({ method: "POST", path: "/v1/tokens", token: owner, body: { ...body, passphrase: "x" } });
  assertProblem(short, 400, "invalid_request");
});

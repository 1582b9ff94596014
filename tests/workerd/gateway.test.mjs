// The protected side: what is let through to the origin, with what header, and what never gets there.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { GATEWAY, assertProblem, launch } from "./lib/product.mjs";
import { newKey, signed } from "./lib/sign.mjs";
import { register } from "./lib/keys.mjs";

const ROUTES = [
  { method: "GET", path: "/public", public: true },
  { method: "GET", path: "/things/{id}", permission: "api:read" },
  { method: "*", path: "/things/{*rest}", permission: "api:write" },
  { method: "GET", path: "/moved", public: true },
];

async function prepared(t) {
  const product = await launch(t, {
    origin: (request, body) => {
      if (new URL(request.url).pathname === "/moved") return Response.redirect("https://elsewhere.example/", 302);
      return new Response(`origin: ${request.method} ${body}`, { status: 200, headers: { "x-origin": "yes" } });
    },
  });
  const owner = await product.setup();
  const put = await product.send({ method: "PUT", path: "/v1/routes", token: owner.secret, body: { routes: ROUTES } });
  assert.equal(put.status, 200, put.text);
  const reader = await product.create(owner.secret, { kind: "pat", name: "reader", scopes: ["read"] });
  const writer = await product.create(owner.secret, { kind: "pat", name: "writer", scopes: ["write"] });
  const call = (request) => product.send({ host: GATEWAY, ...request });
  return { product, owner, reader, writer, call };
}

test("what is permitted reaches the origin as it was sent, with who asks", async (t) => {
  const { product, owner, reader, writer, call } = await prepared(t);
  const read = await call({ path: "/things/7?x=%20y&x=2", token: reader.secret, headers: { accept: "text/plain" } });
  assert.deepEqual([read.status, read.text, read.headers["x-origin"]], [200, "origin: GET ", "yes"]);
  const [seen] = product.seen;
  assert.equal(new URL(seen.url).pathname + new URL(seen.url).search, "/things/7?x=%20y&x=2");
  assert.equal(seen.headers.accept, "text/plain");
  assert.equal(seen.headers["x-symbolon-organization"], owner.organization.id);
  assert.equal(seen.headers["x-symbolon-token"], reader.token.id);
  assert.equal(seen.headers["x-symbolon-kind"], "pat");
  assert.equal(seen.headers["x-symbolon-scopes"], "read");
  assert.equal(seen.headers["x-symbolon-member-email"], "ada@example.com");
  assert.equal(seen.headers.authorization, undefined, "the credential stays here");

  const body = "x".repeat(100_000);
  const written = await call({ method: "PUT", path: "/things/a/b", token: writer.secret, body, headers: { "content-type": "text/plain" } });
  assert.equal(written.text, `origin: PUT ${body}`);
  const open = await call({ path: "/public" });
  assert.equal(open.text, "origin: GET ");
  assert.equal(product.seen.at(-1).headers["x-symbolon-token"], undefined);
  const moved = await call({ path: "/moved" });
  assert.deepEqual([moved.status, moved.headers.location], [302, "https://elsewhere.example/"], "redirects are the client's to follow");
});

test("a signed request passes, with its body checked", async (t) => {
  const { product, owner, call } = await prepared(t);
  const key = await newKey();
  const created = await register(product, owner.secret, key, { kind: "pat", name: "signer", scopes: ["write"] });
  assert.equal(created.status, 201, created.text);
  const request = { method: "POST", path: "/things/new", host: GATEWAY, body: '{"hello":"world"}' };
  const good = await signed(key, request, { now: product.clock.seconds() });
  const passed = await call(good);
  assert.equal(passed.text, 'origin: POST {"hello":"world"}');
  assert.equal(product.seen.at(-1).headers.signature, undefined);
  assertProblem(await call(good), 401, "replayed");
  const tampered = await signed(key, request, { now: product.clock.seconds() });
  assertProblem(await call({ ...tampered, body: '{"hello":"w0rld"}' }), 401, "digest_mismatch");
  assert.equal(product.seen.length, 1);
  const get = await signed(key, { path: "/things/7", host: GATEWAY }, { now: product.clock.seconds() });
  assert.equal((await call(get)).status, 200);
  assert.equal((await call(get)).status, 200, "inside its window, what changes nothing may come again");
});

test("what is refused never reaches the origin", async (t) => {
  const { product, owner, reader, call } = await prepared(t);
  const revoked = await product.send({ method: "DELETE", path: `/v1/tokens/${reader.token.id}`, token: owner.secret });
  assert.equal(revoked.status, 200, revoked.text);
  const narrow = await product.create(owner.secret, { kind: "pat", name: "narrow", scopes: ["read"] });
  for (const [request, status, code] of [
    [{ path: "/things/7" }, 401, "missing_credential"],
    [{ path: "/things/7", token: "nonsense" }, 401, "malformed_credential"],
    [{ path: "/things/7", token: reader.secret }, 401, "revoked"],
    [{ method: "PUT", path: "/things/7", token: narrow.secret }, 403, "insufficient_permission"],
    [{ path: "/elsewhere", token: narrow.secret }, 404, "not_found"],
    [{ method: "POST", path: "/public" }, 404, "not_found"],
    [{ path: "/things//7", token: narrow.secret }, 400, "invalid_request"],
    [{ path: "/things/%37", token: narrow.secret }, 400, "invalid_request"],
    [{ path: "/things/a%2Fb", token: narrow.secret }, 400, "invalid_request"],
    [{ path: "/v1/whoami", token: narrow.secret }, 404, "not_found"],
  ]) {
    assertProblem(await call(request), status, code);
  }
  assert.deepEqual(product.seen, []);
});

test("a client cannot say who it is, hide a header, or smuggle another method", async (t) => {
  const { product, reader, call } = await prepared(t);
  const headers = {
    "x-symbolon-token": "forged",
    X_Symbolon_User: "forged",
    "X-Symbolon_Role": "forged",
    "x-http-method-override": "DELETE",
    "x-original-url": "/admin",
    connection: "x-secret-of-mine, close",
    "x-secret-of-mine": "1",
    "x-token-passphrase": "hunter2hunter2",
    cookie: "symbolon_session=1; theirs=2",
  };
  assert.equal((await call({ path: "/things/7", token: reader.secret, headers })).status, 200);
  assert.equal((await call({ path: "/public", headers })).status, 200);
  for (const { headers: seen } of product.seen) {
    const text = JSON.stringify(seen);
    for (const gone of ["forged", "DELETE", "/admin", "x-secret-of-mine", "hunter2", "symbolon_session"]) {
      assert.ok(!text.includes(gone), `${gone} in ${text}`);
    }
    assert.equal(seen.cookie, "theirs=2");
  }
  assert.equal(product.seen.length, 2);
});

test("without an origin there is nothing behind a gateway host", async (t) => {
  const product = await launch(t);
  const { secret } = await product.setup();
  const put = await product.send({ method: "PUT", path: "/v1/routes", token: secret, body: { routes: ROUTES } });
  assert.equal(put.status, 200, put.text);
  assertProblem(await product.send({ path: "/public", host: GATEWAY }), 404, "not_found");
});

test("a route table that is wrong says where, and changes nothing", async (t) => {
  const { product, owner } = await prepared(t);
  const put = (routes) => product.send({ method: "PUT", path: "/v1/routes", token: owner.secret, body: { routes } });
  const wrong = await put([{ method: "get", path: "/x", public: true }, { method: "GET", path: "x", public: true }, { method: "GET", path: "/x" }]);
  assertProblem(wrong, 400, "invalid_request");
  assert.deepEqual(wrong.json.errors.map(({ field }) => field), ["routes[0].method", "routes[1].path", "routes[2].permission"]);
  const routes = await product.send({ path: "/v1/routes", token: owner.secret });
  assert.deepEqual(routes.json, { routes: ROUTES });
});

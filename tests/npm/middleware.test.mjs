// The middleware in its frameworks, offline and through POST /v1/verify of the real Worker.

import { deepEqual, equal, ok } from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import express from "express";
import { Hono } from "hono";

import { symbolon } from "./lib.mjs";
import { LIB } from "./package.mjs";

const of = (file) => import(new URL(file, LIB).href);
const { exportKey, generateKeyPair, nativePolicy, signChallenge, signedFetch, signRequest, thumbprint } = await of("index.js");
const { againstKeys, askSymbolon, guard, honoGuard, memoryOfReplays, nodeGuard } = await of("middleware.js");

const policy = nativePolicy({ maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 });

/** Each framework as a `fetch` to a server that answers with who it is and the body that it got. */
const frameworks = {
  plain: async (t, verifier) => {
    const handler = guard(verifier, async (request, accepted) => Response.json({ via: accepted.via, body: await request.text() }));
    return { origin: "https://api.example", send: handler };
  },
  Hono: async (t, verifier) => {
    const app = new Hono();
    app.use("/api/*", honoGuard(verifier));
    app.all("/api/*", async (c) => c.json({ via: c.get("symbolon").via, body: await c.req.text() }));
    return { origin: "https://api.example", send: (request) => app.fetch(request) };
  },
  Express: async (t, verifier) => {
    const app = express();
    const api = express.Router();
    api.use(nodeGuard(verifier));
    api.all("/*rest", (request, response) => response.json({ via: request.symbolon.via, body: Buffer.from(request.rawBody).toString() }));
    app.use("/api", api);
    return listening(t, app);
  },
  Connect: async (t, verifier) => {
    const middleware = nodeGuard(verifier);
    return listening(t, (request, response) =>
      middleware(request, response, (error) => {
        response.statusCode = error === undefined ? 200 : 500;
        response.end(JSON.stringify({ via: request.symbolon?.via, body: Buffer.from(request.rawBody ?? "").toString() }));
      }),
    );
  },
};

async function listening(t, handler) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }));
  return { origin: `http://127.0.0.1:${server.address().port}`, send: (request) => fetch(request) };
}

for (const [name, framework] of Object.entries(frameworks)) {
  test(`${name}: offline, against public keys`, async (t) => {
    const pair = await generateKeyPair();
    const keys = { [await thumbprint(pair)]: pair.publicKey };
    const { origin, send } = await framework(t, againstKeys({ keys, policy, replays: memoryOfReplays() }));
    const make = () => new Request(`${origin}/api/things?x=%20`, { method: "POST", body: '{"a":1}', headers: { "content-type": "application/json" } });
    const signed = await signRequest(make(), pair);
    const again = signed.clone();
    const good = await send(signed);
    equal(good.status, 200, await good.clone().text());
    deepEqual(await good.json(), { via: "signature", body: '{"a":1}' });
    const refusals = [
      [again, "replayed"],
      [make(), "missing_credential"],
      [await signRequest(make(), await generateKeyPair()), "unknown_token"],
      [await signRequest(make(), pair, { now: () => Date.now() - 120_000 }), "signature_stale"],
      [await signRequest(make(), pair, { components: ["@method"] }), "signature_invalid"],
      [new Request(`${origin}/api/things?x=%20`, { method: "POST", body: '{"a":2}', headers: (await signRequest(make(), pair)).headers }), "digest_mismatch"],
    ];
    for (const [request, code] of refusals) {
      const answer = await send(request);
      equal(answer.status, 401, code);
      equal(answer.headers.get("content-type"), "application/problem+json");
      equal((await answer.json()).code, code);
      ok(answer.headers.get("www-authenticate").startsWith("Bearer"));
      if (code !== "replayed") equal(answer.headers.get("accept-signature"), 'sig=("@method" "@authority" "@path" "@query" "content-digest" "content-type");created;alg="ecdsa-p256-sha256";tag="symbolon"');
    }
  });

  test(`${name}: through /v1/verify`, async (t) => {
    const { url, secret } = await symbolon(t);
    const post = async (path, body) => {
      const answer = await fetch(url + path, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${secret}` }, body: JSON.stringify(body) });
      equal(answer.status, 201, await answer.clone().text());
      return answer.json();
    };
    const pair = await generateKeyPair();
    const { challenge } = await post("/v1/keys/challenge", {});
    const mine = { kind: "pat", name: "signer", scopes: ["read"], public_key: await exportKey(pair.publicKey, "hex"), proof: await signChallenge(pair, challenge) };
    const signer = await post("/v1/tokens", mine);
    const reader = await post("/v1/tokens", { kind: "pat", name: "reader", scopes: ["read"] });
    const { origin, send } = await framework(t, askSymbolon({ url, credential: secret, require: ["api:read"] }));
    const to = (headers) => new Request(`${origin}/api/things?x=1`, { method: "POST", body: "x", headers: { "content-type": "text/plain", ...headers } });
    const bearer = await send(to({ authorization: `Bearer ${reader.secret}` }));
    equal(bearer.status, 200, await bearer.clone().text());
    deepEqual(await bearer.json(), { via: "symbolon", body: "x" });
    const signed = await send(await signRequest(to({}), pair));
    equal(signed.status, 200, await signed.clone().text());
    equal((await send(to({}))).status, 401);
    const ended = await fetch(`${url}/v1/tokens/${signer.token.id}`, { method: "DELETE", headers: { authorization: `Bearer ${secret}` } });
    equal(ended.status, 200);
    const late = await send(await signRequest(to({}), pair));
    equal((await late.json()).code, "revoked");
    const writer = await framework(t, askSymbolon({ url, credential: secret, require: ["api:write"] }));
    const request = new Request(`${writer.origin}/api/x`, { headers: { authorization: `Bearer ${reader.secret}` } });
    const forbidden = await writer.send(request);
    deepEqual([forbidden.status, (await forbidden.json()).code], [403, "insufficient_permission"]);
    const lost = await framework(t, askSymbolon({ url: "http://127.0.0.1:1", credential: secret }));
    equal((await lost.send(new Request(`${lost.origin}/api/x`, { headers: { authorization: "Bearer x" } }))).status, 503);
  });
}

test("a verifier can itself sign its questions", async (t) => {
  const { url, secret } = await symbolon(t);
  const pair = await generateKeyPair();
  const json = { "content-type": "application/json", authorization: `Bearer ${secret}` };
  const { challenge } = await (await fetch(`${url}/v1/keys/challenge`, { method: "POST", headers: json, body: "{}" })).json();
  const body = { kind: "pat", name: "verifier", scopes: ["verify"], public_key: await exportKey(pair.publicKey, "hex"), proof: await signChallenge(pair, challenge) };
  equal((await fetch(`${url}/v1/tokens`, { method: "POST", headers: json, body: JSON.stringify(body) })).status, 201);
  const verifier = askSymbolon({ url, credential: signedFetch(pair) });
  const decision = await verifier({ method: "GET", url: "https://api.example/x", headers: [["authorization", `Bearer ${secret}`]], body: null });
  equal(decision.accepted, true);
  equal(decision.identity.principal.type, "member");
});

// The middleware in its frameworks, offline and through POST /v1/verify of the real Worker.

import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";

import express from "express";
import { Hono } from "hono";

import { symbolon } from "./lib.mjs";
import { LIB } from "./package.mjs";

const of = (file) => import(new URL(file, LIB).href);
const { exportKey, generateKeyPair, nativePolicy, signChallenge, signedFetch, signRequest, thumbprint } = await of("index.js");
const { againstKeys, askSymbolon, guard, honoGuard, memoryOfReplays, nodeGuard } = await of("middleware.js");

const policy = nativePolicy({ maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 });

const ORIGIN = "https://api.example";

/**
 * Each framework as a `fetch` to a server that answers with who it is and the body that it got, for clients that call it by
 * `ORIGIN`, as behind a proxy.
 */
const frameworks = {
  plain: async (t, verifier, options = { origin: ORIGIN }) => {
    const handler = guard(verifier, async (request, accepted) => Response.json({ via: accepted.via, body: await request.text() }), options);
    return { origin: ORIGIN, send: handler };
  },
  Hono: async (t, verifier, options = { origin: ORIGIN }) => {
    const app = new Hono();
    app.use("/api/*", honoGuard(verifier, options));
    app.all("/api/*", async (c) => c.json({ via: c.get("symbolon").via, body: await c.req.text() }));
    return { origin: ORIGIN, send: (request) => app.fetch(request) };
  },
  Express: async (t, verifier, options = { origin: ORIGIN }) => {
    const app = express();
    const api = express.Router();
    api.use(nodeGuard(verifier, options));
    // What parses bodies comes afterwards, and finds them.
    api.use(express.text({ type: () => true, limit: "1mb" }));
    api.all("/*rest", (request, response) => {
      if (request.rawBody !== undefined) equal(Buffer.from(request.rawBody).toString(), request.body ?? "");
      response.json({ via: request.symbolon.via, body: request.body });
    });
    app.use("/api", api);
    return listening(t, app);
  },
  Connect: async (t, verifier, options = { origin: ORIGIN }) => {
    const middleware = nodeGuard(verifier, options);
    return listening(t, (request, response) =>
      middleware(request, response, (error) => {
        response.statusCode = error === undefined ? 200 : 500;
        const chunks = [];
        request.on("data", (chunk) => chunks.push(chunk));
        request.on("end", () => response.end(JSON.stringify({ via: request.symbolon?.via, body: Buffer.concat(chunks).toString() })));
      }),
    );
  },
};

async function listening(t, handler) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }));
  const { port } = server.address();
  // What clients send to ORIGIN arrives here.
  const send = (request) => fetch(new Request(request.url.replace(ORIGIN, `http://127.0.0.1:${port}`), request));
  return { origin: ORIGIN, send, port };
}

/** Sends what no client library would, and answers with the status line and the code. */
function raw(port, lines) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write([...lines, "Connection: close", "", ""].join("\r\n")));
    let text = "";
    socket.on("data", (data) => { text += data; });
    socket.on("error", reject);
    socket.on("close", () => resolve([Number(text.split(" ")[1]), /"code":"([a-z_]+)"/.exec(text)?.[1]]));
  });
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

for (const [name, framework] of Object.entries(frameworks)) {
  test(`${name}: a request that was signed for another server is refused`, async (t) => {
    const pair = await generateKeyPair();
    const verifier = againstKeys({ keys: () => pair.publicKey, policy, replays: undefined });
    const elsewhere = () => signRequest(new Request("https://other.example/api/x"), pair);
    const here = () => signRequest(new Request(`${ORIGIN}/api/x`), pair);
    const as = (request) => new Request(`${ORIGIN}/api/x`, { headers: request.headers });
    for (const origin of [ORIGIN, `${ORIGIN}/`]) {
      const { send } = await framework(t, verifier, { origin });
      equal((await send(await here())).status, 200, origin);
      equal((await send(as(await elsewhere()))).status, 401, "passed on");
    }
    for (const bad of [undefined, {}, { origin: undefined }, { origin: [] }, { origin: "api.example" }, { origin: "https://api.example/api" }, { origin: "ftp://api.example" }]) {
      // A default must not hide what is missing.
      await rejects(async () => framework(t, verifier, bad ?? null), (error) => error.code === "invalid_request" && /origin/.test(error.message));
    }
    if (name === "plain" || name === "Hono") {
      // What the request itself says counts where there are several, and only if it is one of them.
      for (const origin of [[ORIGIN, "https://second.example"], (claimed) => (claimed === ORIGIN ? claimed : undefined)]) {
        const { send } = await framework(t, verifier, { origin });
        equal((await send(await here())).status, 200);
        const misdirected = await send(await elsewhere());
        deepEqual([misdirected.status, (await misdirected.json()).code], [421, "invalid_request"]);
      }
      return;
    }
    const lines = (request) => Array.from(request.headers, ([field, value]) => `${field}: ${value}`);
    const given = await framework(t, verifier);
    deepEqual(await raw(given.port, ["GET /api/x HTTP/1.1", "Host: other.example", ...lines(await elsewhere())]), [401, "signature_invalid"], "Host is not believed");
    deepEqual(await raw(given.port, ["GET https://other.example/api/x HTTP/1.1", "Host: api.example", ...lines(await elsewhere())]), [401, "signature_invalid"], "nor the target");
    deepEqual(await raw(given.port, ["GET https://other.example/api/x HTTP/1.1", "Host: api.example", ...lines(await here())]), [200, undefined], "the path is what was asked for");
    const several = await framework(t, verifier, { origin: ["http://api.example", "http://second.example"] });
    const plainly = await signRequest(new Request("http://second.example/api/x"), pair);
    deepEqual(await raw(several.port, ["GET /api/x HTTP/1.1", "Host: Second.Example:80", ...lines(plainly)]), [200, undefined], "one of several");
    for (const host of ["other.example", "api.example@other.example", "second.example/y?", "second.example#", "%"]) {
      const [status] = await raw(several.port, ["GET /api/x HTTP/1.1", `Host: ${host}`, ...lines(plainly)]);
      equal(status, 421, host);
    }
  });

  test(`${name}: a body that is too long is refused, however it comes`, async (t) => {
    const pair = await generateKeyPair();
    const verifier = againstKeys({ keys: () => pair.publicKey, policy, replays: undefined });
    const { send } = await framework(t, verifier, { origin: ORIGIN, maxBodyBytes: 100_000 });
    const body = "a".repeat(300_000);
    const signed = await signRequest(new Request(`${ORIGIN}/api/x`, { method: "POST", body }), pair);
    let sent = 0;
    const pull = (controller) => ((sent += 1) > 3 ? controller.close() : controller.enqueue(Buffer.alloc(100_000, "a")));
    const streamed = new Request(`${ORIGIN}/api/x`, { method: "POST", headers: signed.headers, body: new ReadableStream({ pull }), duplex: "half" });
    for (const request of [signed, streamed]) {
      const answer = await send(request);
      deepEqual([answer.status, (await answer.json()).code], [413, "too_large"]);
    }
    const short = await send(await signRequest(new Request(`${ORIGIN}/api/x`, { method: "POST", body: "a".repeat(100_000) }), pair));
    equal((await short.json()).body.length, 100_000);
    // Whoever sends no signature has nothing of theirs read at all.
    const strangers = await framework(t, async ({ body: read, unread }) => ({ accepted: false, status: 401, code: "missing_credential", reason: `${read} ${unread}` }), { origin: ORIGIN, maxBodyBytes: 0 });
    const unsigned = await strangers.send(new Request(`${ORIGIN}/api/x`, { method: "POST", body: "a".repeat(100) }));
    equal((await unsigned.json()).detail, "null true");
    const { headers } = await signRequest(new Request(`${ORIGIN}/api/x`, { method: "POST" }), pair);
    const found = await verifier({ method: "POST", url: `${ORIGIN}/api/x`, headers, body: null, unread: true });
    equal(found.code, "signature_invalid", "what was not read is not covered");
    equal((await verifier({ method: "POST", url: `${ORIGIN}/api/x`, headers, body: null })).accepted, true);
  });
}

test("the memory of replays forgets what has ended, and refuses what it cannot keep", () => {
  let now = 0;
  const replays = memoryOfReplays(() => now, 3);
  const uses = (...names) => names.map((name) => replays.use(name, now + 1500));
  deepEqual(uses("a", "a", "b", "c", "d"), [true, false, true, true, false]);
  now = 1500;
  deepEqual(uses("a", "d"), [false, false], "until its last moment");
  now = 1501;
  deepEqual([replays.use("a", 9000), replays.use("d", 9000)], [true, false], "it was looked through a moment ago");
  now = 2500;
  deepEqual(uses("d", "a", "e", "f"), [true, false, true, false]);
});

test("a body that something else has read is a fault of the server's, and never none", async (t) => {
  const pair = await generateKeyPair();
  const verifier = againstKeys({ keys: () => pair.publicKey, policy, replays: undefined });
  const headers = Object.fromEntries((await signRequest(new Request(`${ORIGIN}/api/x`, { method: "POST" }), pair)).headers);
  for (const [before, expected] of [
    [express.text({ type: () => true }), /put it before whatever parses bodies/],
    [(request, response, next) => { request.rawBody = "x"; next(); }, /Uint8Array/],
    [(request, response, next) => { request.rawBody = Buffer.from("x"); next(); }, /does not cover/],
  ]) {
    const app = express();
    app.use(before, nodeGuard(verifier, { origin: ORIGIN }));
    app.use((request, response) => response.end("accepted"));
    app.use((error, request, response, next) => response.status(500).end(error.message));
    const { send } = await listening(t, app);
    const answer = await send(new Request(`${ORIGIN}/api/x`, { method: "POST", headers, body: "x" }));
    match(await answer.text(), expected);
    ok(answer.status >= 400);
  }
});

test("what asks Symbolon sends every field as it came, follows no redirect, and says to its operator why it got no answer", async () => {
  const asked = [];
  const given = { method: "GET", url: `${ORIGIN}/x`, body: null };
  const told = [];
  const verifier = (answer, more = {}) => askSymbolon({
    url: "https://tokens.example", credential: "secret", onUnavailable: (cause) => told.push([cause.code, cause.message]),
    fetch: async (target, init) => (asked.push({ target, init }), answer()), ...more,
  });
  const verdict = (body) => () => Response.json(body);
  const headers = [["__proto__", "a"], ["Constructor", "b"], ["Authorization", "Bearer x"], ["authorization", "Bearer y"]];
  const refused = await verifier(verdict({ valid: false, code: "malformed_credential" }))({ ...given, headers });
  deepEqual([refused.accepted, refused.status], [false, 401]);
  const sent = JSON.parse(asked[0].init.body).request.headers;
  deepEqual(Object.entries(sent), [["__proto__", ["a"]], ["constructor", ["b"]], ["authorization", ["Bearer x", "Bearer y"]]]);
  equal(asked[0].init.redirect, "manual");
  const cookies = async (more) => {
    await verifier(verdict({ valid: false, code: "missing_credential" }))({ ...given, headers: [["Cookie", "session=1"], ...more] });
    return JSON.parse(asked.at(-1).init.body).request.headers.cookie;
  };
  equal(await cookies([]), undefined, "cookies are not passed on");
  deepEqual(await cookies([["Signature-Input", 'sig=("@method" "cookie");created=1']]), ["session=1"], "unless they are signed");
  const whole = { valid: true, code: "ok", token: {}, principal: {}, organization: {}, permissions: [], grants: [] };
  equal((await verifier(verdict(whole))({ ...given, headers: [] })).accepted, true);
  equal((await verifier(verdict(whole))({ ...given, headers: [], unread: true })).accepted, true);
  const uncovered = verifier(verdict(whole))({ ...given, headers: [["Signature", "sig=:AA==:"]], unread: true });
  await rejects(uncovered, (error) => error.code === "invalid_request");
  equal(told.length, 0);
  for (const answer of [
    verdict({ ...whole, code: "revoked" }), verdict({ ...whole, token: null }), verdict({ valid: "true", code: "ok" }), verdict(null),
    () => new Response("<html>"), () => new Response(null, { status: 307, headers: { location: "https://other.example/" } }),
    () => Response.json({ code: "insufficient_permission" }, { status: 403 }), () => new Response("x".repeat(2 * 1024 * 1024)),
    () => { throw new TypeError("no way there"); },
  ]) {
    const decision = await verifier(answer)({ ...given, headers: [] });
    deepEqual([decision.accepted, decision.status, decision.code], [false, 503, "authority_unavailable"]);
    ok(!decision.reason.includes("insufficient"), "a client learns nothing of it");
  }
  equal(told.length, 9);
  for (const url of ["tokens.example", "https://tokens.example/base", undefined]) throws(() => askSymbolon({ url, credential: "x" }), (error) => error.code === "invalid_request");
  match(told[6][1], /403 \(insufficient_permission\)/);
  const slow = verifier(() => new Promise(() => {}), { fetch: (target, { signal }) => new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))), timeoutMillis: 1 });
  equal((await slow({ ...given, headers: [] })).status, 503);
  for (const [code, status] of [["revoked", 401], ["locked", 401], ["insufficient_permission", 403]]) {
    equal((await verifier(verdict({ valid: false, code }))({ ...given, headers: [] })).status, status);
  }
});

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
  deepEqual(decision.identity.permissions.includes("*:*") || decision.identity.permissions.length > 1, true);
});

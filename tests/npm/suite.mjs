// The package's tests that run in every runtime: Node, Deno, Bun, workerd and Chromium. Nothing here knows where it runs;
// the package's entries and the vectors are handed in.

import { apiTests } from "./suite-api.mjs";
import { middlewareTests } from "./suite-middleware.mjs";

/** Fails with both values. */
function equal(actual, expected, what) {
  const text = (value) => JSON.stringify(value) ?? String(value);
  if (text(actual) !== text(expected)) throw new Error(`${what}: ${text(actual)}, expected ${text(expected)}`);
}

function ok(value, what) {
  if (!value) throw new Error(what);
}

/** The code with which something fails. */
async function code(call, what) {
  try {
    await call();
  } catch (error) {
    ok(error instanceof Error, `${what}: not an Error`);
    return error.code ?? String(error);
  }
  throw new Error(`${what}: did not fail`);
}

const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const utf8 = (text) => new TextEncoder().encode(text);
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

const LENIENT = {
  components: [], withBody: [], withBodyIfSent: [], labels: undefined, tag: undefined,
  nonce: "optional", keyId: "optional", created: "required", expires: "optional",
  maxAgeSeconds: 300, maxLifetimeSeconds: 300, maxAheadSeconds: 60,
};
const NATIVE = { maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 };
const NOW = 1_700_000_000_000;

/** The scalar and the point of vector D2: they are fixed, so that a failure can be looked at. */
const PRIVATE = "32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995";
const PUBLIC =
  "b6739b6208dd8914008c35242fc947de5a9fda875a41ad5244771df0e7173516e2203d68f454cad8f076e1df22919573d0f42de66c1c79b60628f3459df25ac3";
const FINGERPRINT = "16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380";

/** The tests: each has a name and a function that throws. */
export function tests({ full, light, software, api, middleware, vectors }) {
  const list = [...apiTests(api, full), ...middlewareTests(middleware, full)];
  const test = (name, run) => list.push({ name, run });
  const both = [["full", full], ["light", light]];

  for (const [tier, api] of both) {
    test(`${tier}: a key goes through every form`, async () => {
      const pair = await api.importKey(PRIVATE, { extractable: true });
      equal(await api.exportKey(pair, "hex"), PRIVATE, "hex");
      equal(await api.exportKey(pair.publicKey, "hex"), PUBLIC, "public hex");
      equal(await api.fingerprint(pair), FINGERPRINT, "fingerprint");
      for (const form of ["pem", "jwk"]) {
        const again = await api.importKey(await api.exportKey(pair, form), { extractable: true });
        equal(await api.exportKey(again, "hex"), PRIVATE, form);
        const other = await api.importPublicKey(await api.exportKey(pair.publicKey, form));
        equal(await api.exportKey(other, "hex"), PUBLIC, `public ${form}`);
      }
      const text = JSON.stringify(await api.exportKey(pair, "jwk"));
      equal(await api.exportKey(await api.importKey(text, { extractable: true }), "hex"), PRIVATE, "JWK as text");
      equal(await api.exportKey(await api.importPublicKey(`04${PUBLIC}`), "hex"), PUBLIC, "SEC 1");
    });

    test(`${tier}: a generated key cannot leave unless asked`, async () => {
      const pair = await api.generateKeyPair();
      equal(pair.privateKey.extractable, false, "extractable");
      equal(await code(() => api.exportKey(pair, "hex"), "export"), "unsupported", "code");
      const open = await api.generateKeyPair({ extractable: true });
      ok(/^[0-9a-f]{64}$/.test(await api.exportKey(open, "hex")), "hex");
      equal((await api.thumbprint(open)).length, 43, "thumbprint");
      const { x, y } = await api.exportKey(open.publicKey, "jwk");
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)));
      const expected = btoa(String.fromCharCode(...digest)).replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
      equal([await api.thumbprint(open), await api.thumbprint(open.publicKey)], [expected, expected], "the same thumbprint again");
      ok((await api.thumbprint(pair)) !== expected, "each key its own");
    });

    test(`${tier}: what is no key is refused, and never repeated`, async () => {
      const pair = await api.importKey(PRIVATE, { extractable: true });
      const jwk = await api.exportKey(pair, "jwk");
      const pem = await api.exportKey(pair, "pem");
      const other = await api.exportKey(await api.generateKeyPair({ extractable: true }), "jwk");
      const wrong = [
        "", "xyz", `${PRIVATE}00`, "{", "{}", pem.replace("PRIVATE", "EC PRIVATE"), pem.replace("MIG", "AAA"), `${pem}${pem}`,
        `note\n${pem}`, { ...jwk, crv: "P-384" }, { ...jwk, d: undefined }, { ...jwk, x: other.x, y: other.y },
        { ...jwk, use: "enc" }, { ...jwk, alg: "ES384" }, { ...jwk, key_ops: ["verify"] }, { ...jwk, d: `${jwk.d}=` },
      ];
      for (const each of wrong) {
        try {
          await api.importKey(each);
        } catch (error) {
          ok(error instanceof api.KeyError && error instanceof api.SymbolonError, `class of ${JSON.stringify(each)}`);
          equal(error.code, "invalid_request", JSON.stringify(each));
          ok(!`${error.message}${error.stack}`.includes(PRIVATE.slice(0, 16)), "a secret in an error");
          continue;
        }
        throw new Error(`accepted: ${JSON.stringify(each)}`);
      }
      for (const each of ["0".repeat(64), "f".repeat(64)]) ok(["unsupported", "invalid_request"].includes(await code(() => api.importKey(each), each)), each);
      for (const each of [jwk, pem, PRIVATE, "0".repeat(128), `${PUBLIC.slice(0, -1)}4`, `${"f".repeat(64)}${PUBLIC.slice(64)}`, JSON.stringify(jwk)]) {
        equal(await code(() => api.importPublicKey(each), "public"), "invalid_request", "public");
      }
    });

    test(`${tier}: a kind's own form is what its clients send, to the last byte`, async () => {
      const key = await software.SoftwareKey.import(PRIVATE);
      const rules = { components: ["@method", "content-digest"], components_with_body: [], labels: ["sig77"], fingerprint_header: true };
      for (const [method, body, digest, signature] of [
        ["POST", '{"hello":"world"}', "k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=", "rR0wOVdWbF8Ks74RGF5F4RK+XCw8Tfo/o3m6ByDHvCivvFv96cu3G5Q6YuFh+i+KdS8JKmR63nLGKc4nRN0/Kw=="],
        ["GET", undefined, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "kqTyvWIqT/VROIT6cVYGvZolKuVXHQagsKIbmhsvjciqYmSpQ5/ffC6+iFJjf6pZ3AQ/ejIUIF/L2ZH/IomD6A=="],
      ]) {
        const make = () => new Request("https://api.example/api/v1/scan?deep=1", { method, body, headers: { "content-type": "application/json" } });
        const signed = await api.signRequest(make(), key, { rules, now: () => NOW });
        const sent = ["content-digest", "x-fingerprint", "signature-input", "signature"].map((name) => signed.headers.get(name));
        const input = 'sig77=("@method" "content-digest");created=1700000000;alg="ecdsa-p256-sha256"';
        equal(sent, [`sha-256=:${digest}:`, FINGERPRINT, input, `sig77=:${signature}:`], method);
        // A call of the interface covers all that native signers do besides, under the kind's label.
        const full = await api.signRequest(make(), key, { rules, full: true, organization: "Acme42", nonce: "n", now: () => NOW });
        const components = `"@method" "@authority" "@path" "@query" "content-digest"${body === undefined ? "" : ' "content-type"'}`;
        const parameters = `created=1700000000;expires=1700000060;nonce="n";keyid="Acme42.${key.thumbprint()}";tag="symbolon"`;
        equal(full.headers.get("signature-input"), `sig77=(${components});${parameters}`, "full");
        equal(full.headers.get("x-fingerprint"), null, "it is named by its keyid");
        // What a caller says itself counts before the rules.
        const own = await api.signRequest(make(), key, { rules, components: ["@path"], label: "mine", tag: "t", now: () => NOW });
        equal(own.headers.get("signature-input"), 'mine=("@path");created=1700000000;alg="ecdsa-p256-sha256";tag="t"', "options");
      }
      const pair = await api.importKey(PRIVATE);
      const named = await api.signRequest(new Request("https://a.example/"), pair, { rules });
      equal(named.headers.get("x-fingerprint"), FINGERPRINT, "of WebCrypto's keys too");
      const nameless = { sign: () => new Uint8Array(64), thumbprint: () => "t" };
      equal(await code(() => api.signRequest(new Request("https://a.example/"), nameless, { rules }), "nameless"), "invalid_request", "nameless");
      key.destroy();
    });

    test(`${tier}: a request is signed and verifies, and each change is noticed`, async () => {
      const pair = await api.generateKeyPair();
      const url = "https://api.example.com/v1/things?limit=10&cursor=abc%2Fdef";
      const make = () => new Request(url, { method: "POST", headers: { "content-type": "application/json" }, body: '{"hello":"world"}' });
      const original = make();
      const signed = await api.signRequest(original, pair, { organization: "Acme42", now: () => NOW });
      equal(await original.text(), '{"hello":"world"}', "the original can still be read");
      equal(signed.headers.get("content-digest"), "sha-256=:k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=:", "digest");
      const policy = full.nativePolicy(NATIVE);
      const verify = (request, now = NOW) => full.verifyRequest(request, pair.publicKey, { policy, now: () => now });
      const good = await verify(signed);
      equal(good.valid, true, "valid");
      equal(good.keyId, `Acme42.${await api.thumbprint(pair)}`, "keyId");
      equal(good.components.length, 6, "components");
      equal(good.bodyCovered, true, "body");
      equal(good.tag, "symbolon", "tag");
      equal(good.replayKey, `nonce:${good.nonce}`, "replay key");
      equal(good.replayableUntil, NOW + 60_000, "until");
      equal(await signed.clone().text(), '{"hello":"world"}', "what was verified can still be read");
      const headers = signed.headers;
      const changed = [
        [new Request(url, { method: "PUT", headers, body: '{"hello":"world"}' }), "signature_invalid"],
        [new Request(url.replace("10", "11"), { method: "POST", headers, body: '{"hello":"world"}' }), "signature_invalid"],
        [new Request(url.replace("api.", "app."), { method: "POST", headers, body: '{"hello":"world"}' }), "signature_invalid"],
        [new Request(url, { method: "POST", headers, body: '{"hello":"World"}' }), "digest_mismatch"],
        [new Request(url, { method: "POST", headers }), "digest_mismatch"],
      ];
      for (const [request, expected] of changed) equal((await verify(request)).code, expected, request.url);
      equal((await verify(signed, NOW + 61_000)).code, "signature_stale", "late");
      equal((await verify(signed, NOW - 6_000)).code, "signature_stale", "early");
      const stranger = await api.generateKeyPair();
      equal((await full.verifyRequest(signed, stranger.publicKey, { policy, now: () => NOW })).code, "signature_invalid", "key");
      equal((await full.verifyRequest(signed, () => undefined, { policy, now: () => NOW })).code, "unknown_token", "no key");
      equal((await verify(make())).code, "missing_credential", "unsigned");
    });

    test(`${tier}: signedFetch follows within the origin, and no further`, async () => {
      const pair = await api.generateKeyPair();
      const seen = [];
      const send = (answers) => api.signedFetch(pair, {
        fetch: async (request) => {
          seen.push(request.clone());
          return answers.shift();
        },
      });
      const to = (location, status = 307) => new Response(null, { status, headers: { location } });
      const answer = await send([to("/b?x=1"), new Response("done")])("https://a.example/a", { method: "POST", body: "x" });
      equal(await answer.text(), "done", "answer");
      equal(seen.map((request) => request.url), ["https://a.example/a", "https://a.example/b?x=1"], "targets");
      const policy = full.nativePolicy(NATIVE);
      for (const request of seen) equal((await full.verifyRequest(request, pair.publicKey, { policy })).valid, true, request.url);
      ok(seen[0].headers.get("signature") !== seen[1].headers.get("signature"), "signed anew");
      equal(await seen[1].text(), "x", "the body again");
      seen.length = 0;
      await send([to("/c", 303), new Response("")])("https://a.example/a", { method: "POST", body: "x" });
      equal([seen[1].method, seen[1].headers.has("content-digest")], ["GET", false], "303");
      for (const location of ["https://b.example/", "http://a.example/", "https://a.example:8443/"]) {
        seen.length = 0;
        equal(await code(() => send([to(location)])("https://a.example/a"), location), "redirect_refused", location);
        equal(seen.length, 1, "nothing was sent to another origin");
      }
      equal(await code(() => send(Array.from({ length: 12 }, () => to("/a")))("https://a.example/a"), "loop"), "redirect_refused", "loop");
      equal((await send([to("/b")])("https://a.example/a", { redirect: "manual" })).status, 307, "manual");
    });

    test(`${tier}: signedFetch signs once more with the server's time`, async () => {
      const pair = await api.generateKeyPair();
      const seen = [];
      const stale = (date) => new Response('{"code":"signature_stale"}', {
        status: 401,
        headers: { "content-type": "application/problem+json", ...(date && { date: new Date(NOW + 600_000).toUTCString() }) },
      });
      const run = async (answers) => {
        seen.length = 0;
        const call = api.signedFetch(pair, { now: () => NOW, fetch: async (request) => (seen.push(request), answers.shift()) });
        return (await call("https://a.example/", { method: "POST", body: "x" })).status;
      };
      const created = () => seen.map((request) => Number(/created=(\d+)/.exec(request.headers.get("signature-input"))[1]));
      equal(await run([stale(true), new Response("")]), 200, "second try");
      equal(created(), [NOW / 1000, NOW / 1000 + 600], "times");
      ok(new Set(seen.map((request) => request.headers.get("signature-input"))).size === 2, "a fresh nonce");
      equal(await run([stale(true), stale(true), new Response("")]), 401, "once, not more");
      equal(await run([stale(false), new Response("")]), 401, "without a date there is nothing to go by");
      equal(await run([new Response('{"code":"expired"}', { status: 401, headers: { "content-type": "application/problem+json" } })]), 401, "another cause");
    });

    test(`${tier}: no server makes signedFetch sign for a time far from this clock's, or read without end`, async () => {
      const pair = await api.generateKeyPair();
      const seen = [];
      const problem = (body, date) => new Response(body, { status: 401, headers: { "content-type": "application/problem+json", ...(date && { date: new Date(date).toUTCString() }) } });
      const stale = (date) => problem('{"code":"signature_stale"}', date);
      const calling = (answers, options = {}) => {
        const call = api.signedFetch(pair, { now: () => NOW, fetch: async (request) => (seen.push(request), answers.shift()), ...options });
        return async () => (await call("https://a.example/")).status;
      };
      const created = () => seen.splice(0).map((request) => Number(/created=(\d+)/.exec(request.headers.get("signature-input"))[1]) - NOW / 1000);
      for (const date of [NOW + 3_601_000, NOW - 3_601_000, 4_102_444_800_000]) {
        const call = calling([stale(date), new Response("")]);
        equal([await call(), await call(), created()], [401, 200, [0, 0]], "too far, and not remembered");
      }
      const wide = calling([stale(NOW + 7_200_000), new Response("")], { maxClockSkewSeconds: 7200 });
      equal([await wide(), created()], [200, [0, 7200]], "unless it is asked for");
      const twice = calling([stale(NOW + 60_000), stale(NOW + 60_000), new Response("")]);
      equal([await twice(), await twice(), created()], [401, 200, [0, 60, 0]], "a time that did not help is forgotten");
      equal(await code(() => api.signedFetch(pair, { maxClockSkewSeconds: Number.NaN }), "no number"), "invalid_request", "no number");
      let pulled = 0;
      // After a hundred pieces it goes silent, and whoever still reads hangs.
      const pull = (controller) => ((pulled += 1) > 100 ? new Promise(() => {}) : controller.enqueue(new Uint8Array(10_000).fill(32)));
      const endless = new ReadableStream({ pull });
      equal([await calling([problem(endless, NOW)])(), created()], [401, [0]], "endless");
    });

    test(`${tier}: what a call demands stays demanded after a redirect`, async () => {
      const pair = await api.generateKeyPair();
      const seen = [];
      const to = (location) => new Response(null, { status: 307, headers: { location } });
      const call = (location) => api.signedFetch(pair, { fetch: async (request) => (seen.push(request), seen.length === 1 ? to(location) : new Response("")) });
      const controller = new AbortController();
      const demands = { integrity: "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", cache: "no-store" };
      // Not every host has these: workerd refuses the first.
      const possible = Object.entries(demands).filter(([name, value]) => {
        try {
          return new Request("https://a.example/", { [name]: value })[name] === value;
        } catch {
          return false;
        }
      });
      await call("/b")("https://a.example/a", { ...Object.fromEntries(possible), signal: controller.signal });
      equal([seen[1].integrity, seen[1].cache], [seen[0].integrity, seen[0].cache], "settings");
      controller.abort();
      equal([seen[0].signal.aborted, seen[1].signal.aborted], [true, true], "signal");
      seen.length = 0;
      equal(await code(() => call("https://user:secret@a.example/b")("https://a.example/a"), "user"), "redirect_refused", "user");
    });

    test(`${tier}: where requests have no body of their own to look at, as in Firefox`, async () => {
      const found = Object.getOwnPropertyDescriptor(Request.prototype, "body");
      // In workerd and Bun it cannot be taken away.
      if (found?.configurable !== true) return;
      ok(delete Request.prototype.body, "it can be taken away");
      try {
        const pair = await api.generateKeyPair();
        const policy = full.nativePolicy(NATIVE);
        const call = api.signedFetch(pair, {
          fetch: async (request) => {
            const { valid, bodyCovered } = await full.verifyRequest(request, pair.publicKey, { policy });
            return Response.json([valid, bodyCovered, await request.text()]);
          },
        });
        const of = async (...given) => (await call(...given)).json();
        equal(await of("https://a.example/"), [true, false, ""], "GET");
        equal(await of("https://a.example/", { method: "POST", body: "x" }), [true, true, "x"], "POST");
        equal(await of("https://a.example/", { method: "POST" }), [true, false, ""], "POST of nothing");
        const signed = await api.signRequest(new Request("https://a.example/", { method: "PUT", body: "y" }), pair);
        equal(await signed.text(), "y", "the body goes along");
        const unsigned = await api.signRequest(new Request("https://a.example/", { method: "POST" }), pair);
        const bodied = new Request("https://a.example/", { method: "POST", headers: unsigned.headers, body: "z" });
        equal((await full.verifyRequest(bodied, pair.publicKey, { policy })).code, "signature_invalid", "a body is noticed");
        equal((await full.verifyRequest(bodied, pair.publicKey, { policy, maxBodyBytes: 0 })).code, "too_large", "a long body");
      } finally {
        Object.defineProperty(Request.prototype, "body", found);
      }
    });

    test(`${tier}: what is handed over wrongly is told, with what to do`, async () => {
      const pair = await api.generateKeyPair();
      const request = new Request("https://a.example/");
      for (const each of [undefined, null, "key", {}, pair.publicKey, pair.privateKey]) {
        equal(await code(() => api.signRequest(request, each), "key"), "invalid_request", "key");
        equal(await code(() => api.signedFetch(each)("https://a.example/"), "key"), "invalid_request", "key");
      }
      for (const each of [undefined, "https://a.example/", new URL("https://a.example/")]) equal(await code(() => api.signRequest(each, pair), "request"), "invalid_request", "request");
      for (const each of [undefined, null, 5]) equal(await code(() => api.importKey(each), "import"), "invalid_request", "import");
      equal(await code(() => api.parseToken(undefined), "token"), "malformed_credential", "token");
      equal(await code(() => api.exportKey(pair.publicKey, "der"), "form"), "invalid_request", "form");
      for (const options of [{ nonce: "a\nkeyid=b" }, { keyId: "\u00e9" }, { tag: "\t" }, { label: "a b" }, { components: ["@method\n@path"] }]) {
        equal(await code(() => api.signRequest(request, pair, options), "text"), "malformed_credential", JSON.stringify(options));
      }
      const signed = await api.signRequest(request, pair);
      equal(await code(() => api.signRequest(signed, pair), "twice"), "invalid_request", "a label that is taken");
      const twice = await api.signRequest(signed, pair, { label: "sig2", nonce: 'a, sig3="' });
      ok(/^sig=.*, sig2=/.test(twice.headers.get("signature-input")), "two signatures");
      const thrice = await api.signRequest(twice, pair, { label: "sig3" });
      ok(/, sig3=/.test(thrice.headers.get("signature-input")), "a label that stands in a text alone is free");
      const read = new Request("https://a.example/", { method: "POST", body: "x" });
      await read.text();
      equal(await code(() => api.signRequest(read, pair), "read before"), "invalid_request", "a body that was read");
    });

    test(`${tier}: signedFetch sends a Blob and a stream without reading them first`, async () => {
      const pair = await api.generateKeyPair();
      let sent;
      const call = api.signedFetch(pair, { fetch: async (request) => ((sent = request), new Response("")) });
      const policy = full.nativePolicy(NATIVE);
      const content = utf8("a".repeat(300_000));
      await call("https://a.example/", { method: "PUT", body: new Blob([content], { type: "text/plain" }) });
      equal((await full.verifyRequest(sent, pair.publicKey, { policy })).valid, true, "Blob");
      ok(sent.headers.get("content-type").startsWith("text/plain"), "type");
      const small = api.signedFetch(pair, { maxBodyBytes: 1000, fetch: async () => new Response("") });
      const large = () => small("https://a.example/", { method: "PUT", body: new Blob([content]) });
      if (tier === "light") equal(await code(large, "Blob"), "too_large", "what must be in memory is bounded");
      else equal((await large()).status, 200, "what need not be is not");
      const contentDigest = sent.headers.get("content-digest");
      let pulled = 0;
      const stream = new ReadableStream({
        pull(controller) {
          pulled += 1;
          controller.enqueue(content.subarray(0, 100_000));
          if (pulled === 3) controller.close();
        },
      }, { highWaterMark: 0 });
      await call("https://a.example/", { method: "PUT", body: stream, contentDigest });
      ok(pulled < 2, `${pulled} chunks were read before it was sent`);
      equal((await full.verifyRequest(sent, pair.publicKey, { policy })).valid, true, "stream");
      equal(pulled, 3, "it was read when it was sent");
    });

    test(`${tier}: the proof for a challenge is a signature over its bytes`, async () => {
      const pair = await api.generateKeyPair();
      const proof = await api.signChallenge(pair, "symbolon-key-challenge.Acme42.abc");
      const bytes = fromBase64(proof.replaceAll("-", "+").replaceAll("_", "/"));
      const key = await api.exportKey(pair.publicKey, "hex");
      ok(await software.softwareVerify(key, utf8("symbolon-key-challenge.Acme42.abc"), bytes), "verifies");
    });

    test(`${tier}: a token's text is read, and a typing error noticed`, () => {
      const token = "sym_pat_AAAAAAz7r10123456789ABCDEFGHIJKLMNOPQRSTUV0Xtf5C";
      equal(api.parseToken(token), { prefix: "sym_pat_", organization: "AAAAAA", displayPrefix: token.slice(0, 22) }, "native");
      const formats = [{ prefix: "dvg_", body: { hexDigits: 64 } }];
      const other = `dvg_${"0123456789abcdef".repeat(4)}`;
      equal(api.parseToken(other, formats), { prefix: "dvg_", displayPrefix: "dvg_0123" }, "hexadecimal");
      for (const each of ["", token.slice(1), token.slice(0, -1), token.replace("AAAAAA", "AAAAAB"), token.replace("AAAAAA", "AAAA-A"), "x".repeat(300), other]) {
        let caught;
        try {
          api.parseToken(each);
        } catch (error) {
          caught = error;
        }
        ok(caught instanceof api.TokenError && caught.code === "malformed_credential", each);
        ok(each === "" || !caught.message.includes(each), "the text in an error");
      }
    });
  }

  test("a policy must spell out every rule", async () => {
    const request = new Request("https://a.example/");
    const complete = full.nativePolicy(NATIVE);
    const pair = await full.generateKeyPair();
    for (const name of Object.keys(complete)) {
      const { [name]: _, ...policy } = complete;
      equal(await code(() => full.verifyRequest(request, pair.publicKey, { policy }), name), "invalid_request", name);
    }
    equal(await code(() => full.verifyRequest(request, pair.publicKey, {}), "none"), "invalid_request", "none");
    for (const more of [{ components: ["@method\nmax_age=999"] }, { withBody: [5] }, { labels: ["a\nb"] }, { tag: "\u00e9" }]) {
      equal(await code(() => full.verifyRequest(request, pair.publicKey, { policy: { ...complete, ...more } }), "text"), "invalid_request", JSON.stringify(more));
    }
    const failing = () => { throw new RangeError("the resolver's own"); };
    const signed = await full.signRequest(request, pair);
    let caught;
    await full.verifyRequest(signed, failing, { policy: complete }).catch((error) => { caught = error; });
    ok(caught instanceof RangeError, "a resolver's failure is no refusal");
  });

  test("whatever is changed on the way is refused, and what only looks changed is not", async () => {
    const pair = await full.generateKeyPair();
    const url = "https://api.example:8443/a/b?x=%2F&y=1+2";
    const body = utf8("{}");
    const policy = full.nativePolicy(NATIVE);
    const signed = await full.signRequest(new Request(url, { method: "POST", headers: { "content-type": "application/json" }, body }), pair, { now: () => NOW });
    const lines = Array.from(signed.headers);
    const good = { method: "POST", url, headers: lines, body };
    const verify = async (request, at = NOW) => {
      const found = await full.verifyRequest(request, pair.publicKey, { policy, now: () => at });
      return found.valid ? "ok" : found.code;
    };
    /** The fields, with each of this name put through a function that answers with the values of its lines. */
    const fields = (name, change) => lines.flatMap(([field, value]) => (field === name ? change(value).map((one) => [field, one]) : [[field, value]]));
    const other = `sha-256=:${btoa("x".repeat(32))}:`;
    const cases = [
      ["as it is", good, "ok"],
      ["an authority in capitals", { ...good, url: url.replace("api.example", "API.Example") }, "ok"],
      ["a scheme in capitals", { ...good, url: url.replace("https", "HTTPS") }, "ok"],
      ["another order of fields", { ...good, headers: lines.toReversed() }, "ok"],
      ["names of fields in capitals", { ...good, headers: lines.map(([name, value]) => [name.toUpperCase(), value]) }, "ok"],
      ["white space around a value", { ...good, headers: fields("content-type", (value) => [` \t${value} `]) }, "ok"],
      ["a field that is not covered", { ...good, headers: [...lines, ["x-new", "1"]] }, "ok"],
      ["a method in small letters", { ...good, method: "post" }, "signature_invalid"],
      ["another method", { ...good, method: "PUT" }, "signature_invalid"],
      ["a slash at the end", { ...good, url: url.replace("/b?", "/b/?") }, "signature_invalid"],
      ["two slashes", { ...good, url: url.replace("/a/", "//a/") }, "signature_invalid"],
      ["a path in capitals", { ...good, url: url.replace("/a/b", "/A/b") }, "signature_invalid"],
      ["an escape that need not be", { ...good, url: url.replace("/a/", "/%61/") }, "signature_invalid"],
      ["an escape in small letters", { ...good, url: url.replace("%2F", "%2f") }, "signature_invalid"],
      ["an escape undone", { ...good, url: url.replace("%2F", "/") }, "signature_invalid"],
      ["another spelling of a space", { ...good, url: url.replace("+", "%20") }, "signature_invalid"],
      ["another order of the query", { ...good, url: url.replace("x=%2F&y=1+2", "y=1+2&x=%2F") }, "signature_invalid"],
      ["no query", { ...good, url: url.replace(/\?.*/, "") }, "signature_invalid"],
      ["another port", { ...good, url: url.replace(":8443", "") }, "signature_invalid"],
      ["a dot at the end of the host", { ...good, url: url.replace("example:", "example.:") }, "signature_invalid"],
      ["a host in another script", { ...good, url: url.replace("api", "\u0430pi") }, "malformed_credential"],
      ["dot segments", { ...good, url: url.replace("/a/b", "/a/c/../b") }, "malformed_credential"],
      ["a backslash", { ...good, url: url.replace("/a/b", "/a\\b") }, "malformed_credential"],
      ["a user", { ...good, url: url.replace("//", "//user@") }, "malformed_credential"],
      ["another body", { ...good, body: utf8("[]") }, "digest_mismatch"],
      ["a longer body", { ...good, body: utf8("{}{}") }, "digest_mismatch"],
      ["no body", { ...good, body: null }, "digest_mismatch"],
      ["another digest", { ...good, headers: fields("content-digest", () => [other]) }, "signature_invalid"],
      ["a digest more", { ...good, headers: fields("content-digest", (value) => [value, other]) }, "malformed_credential"],
      ["a digest less", { ...good, headers: fields("content-digest", () => []) }, "signature_invalid"],
      ["another type", { ...good, headers: fields("content-type", () => ["text/plain"]) }, "signature_invalid"],
      ["two types", { ...good, headers: fields("content-type", (value) => [value, "text/plain"]) }, "signature_invalid"],
      ["an encoding", { ...good, headers: [...lines, ["content-encoding", "gzip"]] }, "signature_invalid"],
      ["a line more in a value", { ...good, headers: fields("content-type", (value) => [`${value}\n"@method": GET`]) }, "signature_invalid"],
      ["a covered component less", { ...good, headers: fields("signature-input", (value) => [value.replace(' "@query"', "")]) }, "signature_invalid"],
      ["another order of components", { ...good, headers: fields("signature-input", (value) => [value.replace('"@path" "@query"', '"@query" "@path"')]) }, "signature_invalid"],
      ["a component twice", { ...good, headers: fields("signature-input", (value) => [value.replace('"@path"', '"@path" "@path"')]) }, "malformed_credential"],
      ["a longer life", { ...good, headers: fields("signature-input", (value) => [value.replace(/expires=\d+/, `expires=${NOW / 1000 + 600}`)]) }, "signature_invalid"],
      ["another nonce", { ...good, headers: fields("signature-input", (value) => [value.replace('nonce="', 'nonce="x')]) }, "signature_invalid"],
      ["no nonce", { ...good, headers: fields("signature-input", (value) => [value.replace(/;nonce="[^"]*"/, "")]) }, "signature_invalid"],
      ["no time", { ...good, headers: fields("signature-input", (value) => [value.replace(/;created=\d+/, "")]) }, "signature_invalid"],
      ["a parameter twice", { ...good, headers: fields("signature-input", (value) => [`${value};tag="symbolon"`]) }, "malformed_credential"],
      ["an algorithm of a shared secret", { ...good, headers: fields("signature-input", (value) => [`${value};alg="hmac-sha256"`]) }, "signature_invalid"],
      ["no algorithm at all", { ...good, headers: fields("signature-input", (value) => [`${value};alg="none"`]) }, "signature_invalid"],
      ["a label twice", { ...good, headers: fields("signature-input", (value) => [value, value]) }, "malformed_credential"],
      ["a signature twice", { ...good, headers: fields("signature", (value) => [value, value]) }, "malformed_credential"],
      ["a second one of equal right", { ...good, headers: lines.map(([name, value]) => [name, name.startsWith("signature") ? `${value}, b${value.slice(3)}` : value]) }, "malformed_credential"],
      ["another label for one half", { ...good, headers: fields("signature", (value) => [`b${value.slice(3)}`]) }, "malformed_credential"],
      ["no bytes", { ...good, headers: fields("signature", () => ["sig=::"]) }, "malformed_credential"],
      ["zeros", { ...good, headers: fields("signature", () => [`sig=:${btoa("\0".repeat(64))}:`]) }, "signature_invalid"],
      ["a text for bytes", { ...good, headers: fields("signature", () => ['sig="x"']) }, "malformed_credential"],
      ["no signature", { ...good, headers: fields("signature", () => []) }, "malformed_credential"],
      ["fields beyond measure", { ...good, headers: fields("signature-input", (value) => [value, ...Array(100).fill("a".repeat(1000))]) }, "malformed_credential"],
    ];
    for (const [what, request, expected] of cases) equal(await verify(request), expected, what);
    equal([await verify(good, NOW + 60_000), await verify(good, NOW + 60_001)], ["ok", "signature_stale"], "the end");
    equal([await verify(good, NOW - 5_000), await verify(good, NOW - 5_001)], ["ok", "signature_stale"], "the beginning");
    // Its own clock may be ahead, but no signature outlives what the policy allows.
    const long = await full.signRequest(new Request(url), pair, { now: () => NOW, lifetimeSeconds: 86_400 });
    equal([await verify(long, NOW + 60_000), await verify(long, NOW + 61_000)], ["ok", "signature_stale"], "a day's life");
    // Names that JavaScript has for itself are keyids like any other.
    for (const keyId of ["__proto__", "constructor", "toString"]) {
      const named = await full.signRequest(new Request(url), pair, { now: () => NOW, keyId });
      const found = await full.verifyRequest(named, (asked) => (asked === keyId ? pair.publicKey : undefined), { policy, now: () => NOW });
      equal([found.valid, found.keyId], [true, keyId], keyId);
    }
    ok(Object.keys(Object.prototype).length === 0, "no prototype was changed");
  });

  test("a body that is not read is never taken for none", async () => {
    const pair = await full.generateKeyPair();
    const policy = full.nativePolicy(NATIVE);
    const { method, url, headers } = await full.signRequest(new Request("https://a.example/pay", { method: "POST" }), pair);
    const verify = (body) => full.verifyRequest({ method, url, headers, body }, pair.publicKey, { policy });
    equal((await verify(null)).valid, true, "none");
    equal((await verify(new Uint8Array())).valid, true, "no bytes");
    equal((await verify(utf8("more"))).code, "signature_invalid", "bytes that are not covered");
    for (const body of ["more", { more: 1 }, utf8("more").buffer, new Response("more").body, new Uint16Array(4), undefined]) {
      equal(await code(() => verify(body), String(body)), "invalid_request", String(body));
    }
    // Another library's Request: it has its body as a stream, and is no instance of this host's.
    const make = (body) => ({ method, url, headers, body: new Response(body).body, bodyUsed: false, clone: () => make(body) });
    equal((await full.verifyRequest(make("more"), pair.publicKey, { policy })).code, "signature_invalid", "another library's");
    const read = new Request(url, { method, headers, body: "more" });
    await read.text();
    equal(await code(() => full.verifyRequest(read, pair.publicKey, { policy }), "read"), "invalid_request", "read before");
    for (const key of [pair, pair.privateKey, undefined, () => pair.privateKey]) {
      equal(await code(() => full.verifyRequest(new Request(url, { method, headers }), key, { policy }), "key"), "invalid_request", "no public key");
    }
  });

  test("keys of WebAssembly and of WebCrypto are interchangeable", async () => {
    const made = await software.SoftwareKey.generate();
    const pair = await full.importKey(made.export("jwk"), { extractable: true });
    equal(await full.exportKey(pair, "hex"), made.export("hex"), "private");
    equal(await full.exportKey(pair.publicKey, "hex"), made.publicKey("hex"), "public");
    equal([await full.thumbprint(pair), await full.fingerprint(pair)], [made.thumbprint(), made.fingerprint()], "names");
    const policy = full.nativePolicy(NATIVE);
    const request = new Request("https://a.example/x");
    for (const key of [made, pair]) {
      const signed = await full.signRequest(request, key);
      equal((await full.verifyRequest(signed, pair.publicKey, { policy })).valid, true, "verifies");
    }
    const theirs = await full.generateKeyPair({ extractable: true });
    for (const form of ["hex", "jwk"]) {
      const taken = await software.SoftwareKey.import(await full.exportKey(theirs, form));
      equal(taken.publicKey("hex"), await full.exportKey(theirs.publicKey, "hex"), form);
      taken.destroy();
    }
    const jwk = made.export("jwk");
    equal(await code(() => software.SoftwareKey.import({ ...jwk, x: jwk.y }), "halves"), "invalid_request", "halves");
    for (const each of ["", "0", "f".repeat(64), "zz"]) equal(await code(() => software.SoftwareKey.import(each), each), "invalid_request", each);
    made.destroy();
    made.destroy();
    equal(await code(() => made.sign(utf8("x")), "sign"), "invalid_request", "signing after its end");
    equal(await code(() => made.export("hex"), "export"), "invalid_request", "exporting after its end");
  });

  test("WebAssembly is handed bytes and nothing that looks like them", async () => {
    const key = await software.SoftwareKey.generate();
    const publicKey = key.publicKey("hex");
    const bytes = utf8("abc");
    const signature = key.sign(bytes);
    for (const each of ["abc", [97, 98, 99], bytes.buffer, new Uint16Array(3), new DataView(bytes.buffer), undefined, { length: 3 }]) {
      equal(await code(() => key.sign(each), "sign"), "invalid_request", String(each));
      equal(await code(() => software.softwareVerify(publicKey, each, signature), "verify"), "invalid_request", String(each));
      equal(await code(() => software.softwareVerify(publicKey, bytes, each), "signature"), "invalid_request", String(each));
      const stream = new ReadableStream({ start: (controller) => (controller.enqueue(each), controller.close()) });
      equal(await code(() => software.streamDigest(stream), "digest"), "invalid_request", String(each));
    }
    for (const each of [{}, null, undefined, { d: 5 }]) equal(await code(() => software.SoftwareKey.import(each), "import"), "invalid_request", "import");
    for (const api of [full, light]) equal(await code(() => api.signChallenge(key, undefined), "challenge"), "invalid_request", "challenge");
    key.destroy();
  });

  test("a signature without a nonce has one replay key for both of its forms", async () => {
    const pair = await full.importKey(PRIVATE, { extractable: true });
    const signer = await software.SoftwareKey.import(PRIVATE);
    const request = await full.signRequest(new Request("https://a.example/"), signer, { nonce: "", now: () => NOW });
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const bytes = fromBase64(/:(.*):/.exec(request.headers.get("signature"))[1]);
    const s = BigInt(`0x${Array.from(bytes.subarray(32), (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
    bytes.set(hex((n - s).toString(16).padStart(64, "0")), 32);
    const headers = new Headers(request.headers);
    headers.set("signature", `sig=:${btoa(String.fromCharCode(...bytes))}:`);
    const policy = { ...LENIENT };
    const one = await full.verifyRequest(request, pair.publicKey, { policy, now: () => NOW });
    const twin = await full.verifyRequest(new Request(request, { headers }), pair.publicKey, { policy, now: () => NOW });
    ok(one.valid && twin.valid, "both verify");
    ok(one.replayKey.startsWith("signature:"), one.replayKey);
    equal(twin.replayKey, one.replayKey, "replay key");
  });

  if (vectors === null) return list;

  test(`P-256 in WebAssembly and in WebCrypto: ${vectors.ecdsa.length} signatures`, async () => {
    for (const { id, key, message, signature, valid } of vectors.ecdsa) {
      const [bytes, made] = [hex(message), hex(signature)];
      equal(await software.softwareVerify(key, bytes, made), valid, `${id} in WebAssembly`);
      const imported = await full.importPublicKey(key);
      const answer = made.length === 64 && (await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, made, bytes));
      equal(answer, valid, `${id} in WebCrypto`);
    }
  });

  test(`P-256 in WebAssembly: ${vectors.signing.length} keys sign as RFC 6979 says, or verifiably`, async () => {
    for (const { id, d, key, message, signature } of vectors.signing) {
      const secret = await software.SoftwareKey.import(d);
      equal(secret.publicKey("hex"), key, `${id} public`);
      const made = secret.sign(hex(message));
      if (signature !== undefined) equal(made, hex(signature), id);
      ok(await software.softwareVerify(key, hex(message), made), `${id} verifies`);
      secret.destroy();
    }
  });

  test(`requests signed by another implementation: ${vectors.requests.length}`, async () => {
    for (const { id, key, method, url, headers, body, at, label, code: expected } of vectors.requests) {
      const publicKey = await full.importPublicKey(key);
      const request = { method, url, headers, body: body === "" ? null : fromBase64(body) };
      const options = { policy: LENIENT, preferLabel: label, preferTag: "none", now: () => at * 1000 };
      const found = await full.verifyRequest(request, publicKey, options);
      equal(found.valid ? "ok" : found.code, expected, id);
    }
  });

  test(`both tiers write the same signature base: ${vectors.components.length} components`, async () => {
    const { prepare, prepareInCore } = vectors.steps;
    let alike = 0;
    for (const { method, url, headers, component, value } of vectors.components) {
      const parts = { method, url, headers: new Headers(headers) };
      const spec = { label: "sig", components: [component], parameters: [["created", 1], ["keyid", 'a"b\\c'], ["tag", "t"]] };
      const core = await outcome(() => prepareInCore(parts, spec));
      const mine = await outcome(() => prepare(parts, spec));
      if (value !== undefined) ok(core.startsWith(`${component}: ${value}\n`), `${component} in the core: ${core}`);
      if (mine === "unsupported") ok(/;(sf|bs|key|req)/.test(component), `${component} is left to the core`);
      else equal(mine, core, `${component} of ${method} ${url}`);
      alike += mine === "unsupported" ? 0 : 1;
    }
    ok(alike > 60, `only ${alike} compared`);
  });

  return list;
}

/** The base that a step writes, or the code with which it refuses. */
async function outcome(call) {
  try {
    const { base, signatureInput } = await call();
    return `${new TextDecoder().decode(base)}\n${signatureInput}`;
  } catch (error) {
    return error.code ?? String(error);
  }
}

/** Runs them all; the names of those that failed, with the reason. */
export async function run(given) {
  const failed = [];
  const all = tests(given);
  for (const { name, run: each } of all) {
    try {
      await each();
    } catch (error) {
      failed.push(`${name}: ${error?.stack ?? error}`);
    }
  }
  return { passed: all.length - failed.length, failed };
}

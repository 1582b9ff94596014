// DevGuard's own vectors (D1 to D5 of its documented facts) against the profile of its name, with the clock set to
// their time where they carry one.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GATEWAY, assertProblem, launch } from "./lib/product.mjs";
import { register } from "./lib/keys.mjs";
import { keyFromHex, signed } from "./lib/sign.mjs";

const D1 = {
  private: "1b210d1412d412bc6d0ce767bd2795353377f568ac3cbad1850797cd36180449",
  public:
    "c600494b2ba7254dbfc160ea9f36dbe8b111e7170592f95dba2c2f6ca64caf4aa4e5e6f9b6d82e7b1376fad7c418831689182832f7e25f15fa2a2b6dcb5159eb",
  fingerprint: "a888cdf9fba93f6e2d1b3aa799204eb22f820b2e58519d5573062590895fd184",
};
const D2 = {
  private: "32c23131a0050477690183085932bd3e163b88cbeae084c5fa763b790453f995",
  public:
    "b6739b6208dd8914008c35242fc947de5a9fda875a41ad5244771df0e7173516e2203d68f454cad8f076e1df22919573d0f42de66c1c79b60628f3459df25ac3",
  fingerprint: "16e6e6aa7fb07081dfe7b1154c930955666f47f9247211dfbd19ad2e738f2380",
  created: 1700000000,
  post: {
    body: '{"hello":"world"}',
    digest: "sha-256=:k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=:",
    signature: "rR0wOVdWbF8Ks74RGF5F4RK+XCw8Tfo/o3m6ByDHvCivvFv96cu3G5Q6YuFh+i+KdS8JKmR63nLGKc4nRN0/Kw==",
  },
  // D3
  get: {
    digest: "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    signature: "kqTyvWIqT/VROIT6cVYGvZolKuVXHQagsKIbmhsvjciqYmSpQ5/ffC6+iFJjf6pZ3AQ/ejIUIF/L2ZH/IomD6A==",
  },
};
const D4 = {
  private: "2b",
  public:
    "986ae2506f1ff104d04230861d8f4b498f4bc4c6d009b30f7544dc129b82d28d003cccc0a6460e0ae328a4d97d3c7b61d86fc6289c189f2525110c441bb07e97",
  fingerprint: "137d5bb167b6f6212db793a533f6665aaecd3ec287b6ca0e3b22ba38d860be51",
  stripped: "a6ffd55ca252f6528fba63e567e15159697b273af0cb57fe52382b3cdac3aac0",
};

const ROUTES = [{ method: "*", path: "/{*rest}", permission: "scans:upload" }];

/** An organisation of the profile, founded a minute before the vectors' time. */
async function prepared(t, options = {}) {
  const product = await launch(t, { ...options, origin: (request, body) => new Response(`${request.method} ${body}`) });
  product.clock.stand(D2.created - 60);
  const owner = await product.setup({ profile: "devguard" });
  const put = await product.send({ method: "PUT", path: "/v1/routes", token: owner.secret, body: { routes: ROUTES } });
  assert.equal(put.status, 200, put.text);
  const enroll = async ({ private: d, public: hex }) => {
    const key = await keyFromHex(d);
    assert.equal(key.publicKeyHex, hex);
    const expires_at = new Date((D2.created + 86_400) * 1000).toISOString();
    const created = await register(product, owner.secret, key, { kind: "pat", name: "scanner", scopes: ["scan"], expires_at });
    assert.equal(created.status, 201, created.text);
    return { key, token: created.json.token };
  };
  return { product, owner, enroll };
}

function request(method, { body, digest, signature }) {
  return {
    method,
    path: "/api/v1/scan",
    host: GATEWAY,
    headers: {
      "x-fingerprint": D2.fingerprint,
      "content-digest": digest,
      "signature-input": `sig77=("@method" "content-digest");created=${D2.created};alg="ecdsa-p256-sha256"`,
      signature: `sig77=:${signature}:`,
    },
    body,
  };
}

/** Signs as DevGuard's client does: method and digest alone, the key named by its fingerprint. */
function devguard(product, key, fingerprint) {
  const options = {
    label: "sig77",
    now: product.clock.seconds(),
    components: ["@method", "content-digest"],
    parameters: { expires: undefined, nonce: undefined, keyid: undefined, tag: undefined, alg: "ecdsa-p256-sha256" },
  };
  const headers = { "x-fingerprint": fingerprint };
  return signed(key, { method: "POST", path: "/x", host: GATEWAY, headers, body: "{}" }, options);
}

test("D1: a key is found under the fingerprint that DevGuard gives it", async (t) => {
  const { product, enroll } = await prepared(t);
  const { key, token } = await enroll(D1);
  assert.equal(token.fingerprint, key.thumbprint);
  const passed = await product.send(await devguard(product, key, D1.fingerprint));
  assert.equal(passed.status, 200, passed.text);
  assert.equal(product.seen[0].headers["x-symbolon-token"], token.id);
  assertProblem(await product.send(await devguard(product, key, D2.fingerprint)), 401, "unknown_token");
});

test("D2 and D3: requests that DevGuard's client signed are accepted at their time, once, and refused beyond it", async (t) => {
  const { product, enroll } = await prepared(t);
  await enroll(D2);
  for (const [method, vector] of [
    ["POST", D2.post],
    ["GET", D2.get],
  ]) {
    product.clock.stand(D2.created + 11);
    assertProblem(await product.send(request(method, vector)), 401, "signature_stale");
    product.clock.stand(D2.created - 3);
    assertProblem(await product.send(request(method, vector)), 401, "signature_stale");
    product.clock.stand(D2.created);
    const other = method === "POST" ? "PUT" : "DELETE";
    assertProblem(await product.send(request(other, vector)), 401, "signature_invalid");
    const passed = await product.send(request(method, vector));
    assert.deepEqual([passed.status, passed.text], [200, `${method} ${vector.body ?? ""}`]);
    assertProblem(await product.send(request(method, vector)), 401, "replayed");
  }
  assertProblem(await product.send(request("POST", { ...D2.post, body: '{"hello":"w0rld"}' })), 401, "digest_mismatch");
  assert.equal(product.seen.length, 2);
});

test("D4: a key is found under the fingerprint that its client computes, zeros stripped or not", async (t) => {
  const { product, enroll } = await prepared(t);
  const { key, token } = await enroll(D4);
  for (const fingerprint of [D4.fingerprint, D4.stripped, D4.fingerprint.toUpperCase()]) {
    product.clock.advance(1);
    const passed = await product.send(await devguard(product, key, fingerprint));
    assert.equal(passed.status, 200, passed.text);
    assert.equal(product.seen.at(-1).headers["x-symbolon-token"], token.id);
  }
});

test("D5: a bearer secret is known by its SHA-256", async (t) => {
  const { product, owner } = await prepared(t);
  // The vector itself, dvg_testtoken, is shorter than a secret: nobody can hold it.
  assertProblem(await product.send({ path: "/v1/whoami", token: "dvg_testtoken" }), 401, "malformed_credential");
  assert.match(owner.secret, /^dvg_[0-9a-f]{64}$/u);
  assert.equal((await product.send({ path: "/v1/whoami", token: owner.secret })).status, 200);
});

test("a request without X-Fingerprint is of the instance's administrator, whose key the configuration names", async (t) => {
  const unnamed = async (product, key) => {
    const { headers, ...request } = await signed(
      key,
      { method: "POST", path: "/x", host: GATEWAY, headers: {}, body: "{}" },
      {
        label: "sig77",
        now: product.clock.seconds(),
        components: ["@method", "content-digest"],
        // As its web interface signs: the label is the name of the key.
        parameters: { expires: undefined, nonce: undefined, keyid: "sig77", tag: undefined, alg: "ecdsa-p256-sha256" },
      },
    );
    return { ...request, headers };
  };
  const with_key = await prepared(t, { bindings: { ADMIN_KEY: D2.public } });
  const { key, token } = await with_key.enroll(D2);
  const asked = await unnamed(with_key.product, key);
  const passed = await with_key.product.send(asked);
  assert.equal(passed.status, 200, passed.text);
  assert.equal(with_key.product.seen[0].headers["x-symbolon-token"], token.id);
  assertProblem(await with_key.product.send(asked), 401, "replayed");
  const another = await keyFromHex(D1.private);
  assertProblem(await with_key.product.send(await unnamed(with_key.product, another)), 401, "signature_invalid");
  const revoked = await with_key.product.send({ method: "DELETE", path: `/api/v1/pats/${token.id}/`, token: with_key.owner.secret });
  assert.equal(revoked.status, 200, revoked.text);
  with_key.product.clock.advance(1);
  assertProblem(await with_key.product.send(await unnamed(with_key.product, key)), 401, "revoked");

  const without = await prepared(t);
  const registered = await without.enroll(D2);
  assertProblem(await without.product.send(await unnamed(without.product, registered.key)), 401, "unknown_token");
});

/** The order of the curve's group: s and n−s make the same signature. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other of the two signatures that r and s stand for. */
function flipped(base64) {
  const bytes = Buffer.from(base64, "base64");
  const s = (N - BigInt(`0x${bytes.subarray(32).toString("hex")}`)).toString(16).padStart(64, "0");
  return Buffer.concat([bytes.subarray(0, 32), Buffer.from(s, "hex")]).toString("base64");
}

/** A signature in DER, as it must not come. */
function der(base64) {
  const integer = (bytes) => {
    const body = bytes[0] & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
    return Buffer.concat([Buffer.from([2, body.length]), body]);
  };
  const bytes = Buffer.from(base64, "base64");
  const body = Buffer.concat([integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]).toString("base64");
}

test("what DevGuard's server takes is taken, and what it refuses is refused", async (t) => {
  const { product, enroll } = await prepared(t);
  const { key } = await enroll(D1);
  const usual = { expires: undefined, nonce: undefined, keyid: undefined, tag: undefined, alg: "ecdsa-p256-sha256" };
  const sent = async ({ components = ["@method", "content-digest"], label = "sig77", parameters = {}, headers = {}, body = "{}", method = "POST" }) => {
    product.clock.advance(1);
    const all = { "x-fingerprint": D1.fingerprint, ...headers };
    const options = { label, now: product.clock.seconds(), components, parameters: { ...usual, ...parameters } };
    return signed(key, { method, path: "/x", host: GATEWAY, headers: all, body }, options);
  };
  const wrong = [];
  const sha256 = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:";
  const now = () => product.clock.seconds();
  const altered = (change) => async () => {
    const request = await sent({});
    request.headers.signature = request.headers.signature.replace(/:(.+):/u, (_, text) => `:${change(text)}:`);
    return request;
  };
  for (const [what, request, expected] of [
    ["as its client signs", () => sent({}), "accepted"],
    ["an empty body with its digest", () => sent({ method: "GET", body: undefined, headers: { "content-digest": D2.get.digest } }), "accepted"],
    ["without an algorithm", () => sent({ parameters: { alg: undefined } }), "accepted"],
    ["with an end ahead", () => sent({ parameters: { expires: now() + 10 } }), "accepted"],
    ["the other order", () => sent({ components: ["content-digest", "@method"] }), "accepted"],
    ["more than it asks for", () => sent({ components: ["@method", "content-digest", "@authority", "@path"] }), "accepted"],
    ["another label beside its own", async () => {
      const request = await sent({});
      request.headers["signature-input"] += `, other=("@method");created=${now()}`;
      request.headers.signature += ", other=:AAAA:";
      return request;
    }, "accepted"],
    ["the other half of the signatures", altered(flipped), "accepted"],
    ["an unknown digest beside a right one", () => sent({ headers: { "content-digest": `md5=:mZFLkyvTelC5g8XnyQrpOw==:, ${sha256}` } }), "accepted"],
    ["DER", altered(der), "malformed_credential"],
    ["a renamed label", () => sent({ label: "sig1" }), "signature_invalid"],
    ["without the digest", () => sent({ components: ["@method"] }), "signature_invalid"],
    ["without the method", () => sent({ components: ["content-digest"] }), "signature_invalid"],
    ["a component twice", () => sent({ components: ["@method", "@method", "content-digest"] }), "malformed_credential"],
    ["another algorithm", () => sent({ parameters: { alg: "rsa-pss-sha512" } }), "signature_invalid"],
    ["without created", () => sent({ parameters: { created: undefined } }), "signature_invalid"],
    ["created in three seconds", () => sent({ parameters: { created: now() + 4 } }), "signature_stale"],
    ["created eleven seconds ago", () => sent({ parameters: { created: now() - 10 } }), "signature_stale"],
    ["created too long ago, whatever its end", () => sent({ parameters: { created: now() - 10, expires: now() + 60 } }), "signature_stale"],
    ["over already", () => sent({ parameters: { expires: now() } }), "signature_stale"],
    ["a wrong digest beside a right one", () => sent({ headers: { "content-digest": `sha-512=:${"A".repeat(86)}==:, ${sha256}` } }), "digest_mismatch"],
    ["another body", async () => ({ ...(await sent({})), body: "[]" }), "digest_mismatch"],
  ]) {
    const { status, json, text } = await product.send(await request());
    const found = status === 200 ? "accepted" : json?.code;
    if (found !== expected) wrong.push(`${what}: ${found}, not ${expected}: ${text}`);
  }
  assert.deepEqual(wrong, []);
  // Bound to nothing but method and body: whoever captured one gets no second use of it, on whatever path.
  const captured = await sent({});
  assert.equal((await product.send(captured)).status, 200);
  assertProblem(await product.send({ ...captured, path: "/elsewhere" }), 401, "replayed");
  const other = captured.headers.signature.replace(/:(.+):/u, (_, text) => `:${flipped(text)}:`);
  assertProblem(await product.send({ ...captured, headers: { ...captured.headers, signature: other } }), 401, "replayed");
});

test("a strict mode asks for full signatures, and posting a private key revokes where that is switched on", async (t) => {
  const product = await launch(t, { origin: () => new Response("origin") });
  const text = readFileSync(fileURLToPath(new URL("../../profiles/devguard.toml", import.meta.url)), "utf8");
  const strict = text.replace("strict = false", "strict = true").replace("revoke_by_private_key = false", "revoke_by_private_key = true");
  const owner = await product.setup({ profile: strict });
  const put = await product.send({ method: "PUT", path: "/v1/routes", token: owner.secret, body: { routes: ROUTES } });
  assert.equal(put.status, 200, put.text);
  const key = await keyFromHex(D1.private);
  const expires_at = new Date(product.clock.now() + 86_400_000).toISOString();
  const { status, json } = await register(product, owner.secret, key, { kind: "pat", name: "scanner", scopes: ["scan"], expires_at });
  assert.equal(status, 201);
  assertProblem(await product.send(await devguard(product, key, D1.fingerprint)), 401, "unknown_token");
  const full = await signed(key, { method: "POST", path: "/x", host: GATEWAY, body: "{}" }, { now: product.clock.seconds() });
  const passed = await product.send(full);
  assert.equal(passed.status, 200, passed.text);
  const revoke = { method: "POST", path: "/api/v1/pats/revoke-by-private-key/", body: { privkey: D1.private } };
  const done = await product.send(revoke);
  assert.equal(done.status, 200, done.text);
  const shown = await product.send({ path: `/v1/tokens/${json.token.id}`, token: owner.secret });
  assert.equal(shown.json.status, "revoked");
  const log = await product.send({ path: "/v1/activity/export", token: owner.secret });
  for (const written of [...product.logged, log.text]) assert.ok(!written.includes(D1.private), "never logged");
});

test("the first registration of a key holds, and a private key that is posted revokes nothing by itself", async (t) => {
  const { product, owner, enroll } = await prepared(t);
  const { token } = await enroll(D1);
  const body = { description: "mine", pubKey: D1.public, scopes: "scan", expiryDateUnix: D2.created + 3600 };
  const again = await product.send({ method: "POST", path: "/api/v1/pats/", token: owner.secret, body });
  assert.equal(again.status, 409, again.text);
  const first = await product.send({ method: "POST", path: "/api/v1/pats/", token: owner.secret, body: { ...body, pubKey: D2.public } });
  assert.equal(first.status, 200, first.text);
  const revoke = { method: "POST", path: "/api/v1/pats/revoke-by-private-key/", body: { privkey: D1.private } };
  const refused = await product.send(revoke);
  assert.ok(refused.status >= 400 && refused.status < 500, refused.text);
  const shown = await product.send({ path: `/v1/tokens/${token.id}`, token: owner.secret });
  assert.equal(shown.json.status, "active");
});

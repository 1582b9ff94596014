// DevGuard's own vectors (D1 to D5 of its documented facts) against the profile of its name, with the clock set to
// their time where they carry one.
import { strict as assert } from "node:assert";
import { test } from "node:test";
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
async function prepared(t) {
  const product = await launch(t, { origin: (request, body) => new Response(`${request.method} ${body}`) });
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

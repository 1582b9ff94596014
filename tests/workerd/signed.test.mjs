// Signed requests (RFC 9421), by WebCrypto and by a library that is not ours, and every way to be refused.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createSigner, httpbis } from "http-message-signatures";
import { HOST, assertProblem, launch, setupBody } from "./lib/product.mjs";
import { register } from "./lib/keys.mjs";
import { contentDigest, nativeComponents, newKey, signed } from "./lib/sign.mjs";

async function prepared(t) {
  const product = await launch(t);
  const owner = await product.setup();
  const key = await newKey();
  const created = await register(product, owner.secret, key, { kind: "pat", name: "signer", scopes: ["read", "manage"] });
  assert.equal(created.status, 201, created.text);
  assert.equal(created.json.secret, undefined, "a key has no secret");
  const sign = (request, options = {}) => signed(key, { host: HOST, ...request }, { now: product.clock.seconds(), ...options });
  return { product, owner, key, token: created.json.token, sign };
}

const tokenBody = (name) => JSON.stringify({ kind: "pat", name, scopes: ["read"] });

test("a signed request is accepted, with and without a body, and with either form of keyid", async (t) => {
  const { product, owner, key, token, sign } = await prepared(t);
  const who = await product.send(await sign({ path: "/v1/whoami" }));
  assert.equal(who.status, 200, who.text);
  assert.equal(who.json.token.id, token.id);
  const long = await product.send(await sign({ path: "/v1/whoami?x=1" }, { keyid: `${owner.organization.short_id}.${key.thumbprint}` }));
  assert.equal(long.status, 200, long.text);
  const created = await product.send(await sign({ method: "POST", path: "/v1/tokens", body: tokenBody("made by a key") }));
  assert.equal(created.status, 201, created.text);
});

test("a library that is not ours signs what is accepted", async (t) => {
  const { product, key } = await prepared(t);
  for (const [method, path, body] of [
    ["GET", "/v1/tokens?sort=name", undefined],
    ["POST", "/v1/tokens", tokenBody("made by a library")],
  ]) {
    const headers = { host: HOST };
    if (body !== undefined) Object.assign(headers, { "content-type": "application/json", "content-digest": contentDigest(body) });
    const at = new Date(product.clock.now());
    const message = await httpbis.signMessage(
      {
        key: createSigner(key.pem, "ecdsa-p256-sha256", key.thumbprint),
        fields: nativeComponents(body),
        params: ["created", "keyid", "nonce", "tag", "alg"],
        paramValues: { created: at, nonce: createHash("sha256").update(path).digest("hex"), tag: "symbolon" },
      },
      { method, url: `http://${HOST}${path}`, headers },
    );
    const response = await product.send({ method, path, host: HOST, headers: message.headers, body });
    assert.equal(response.status, body === undefined ? 200 : 201, response.text);
  }
});

test("a signed request is refused for what is wrong with it", async (t) => {
  const { product, sign } = await prepared(t);
  const now = product.clock.seconds();
  const get = { path: "/v1/whoami" };
  const post = { method: "POST", path: "/v1/tokens", body: tokenBody("never") };

  const tampered = await sign(post);
  assertProblem(await product.send({ ...tampered, body: tampered.body.replace("never", "other") }), 401, "digest_mismatch");

  const forged = await sign(get);
  const [start, bytes] = forged.headers.signature.split(":");
  const flipped = Buffer.from(bytes, "base64");
  flipped[40] ^= 1;
  assertProblem(await product.send({ ...forged, headers: { ...forged.headers, signature: `${start}:${flipped.toString("base64")}:` } }), 401, "signature_invalid");
  assertProblem(await product.send({ ...(await sign(get)), path: "/v1/whoami?more" }), 401, "signature_invalid");
  assertProblem(await product.send({ ...(await sign(get)), path: "/v1/kinds" }), 401, "signature_invalid");
  assertProblem(await product.send({ ...(await sign(get)), host: "other.example" }), 401, "signature_invalid");

  for (const created of [now - 3600, now + 3600]) {
    assertProblem(await product.send(await sign(get, { parameters: { created, expires: created + 60 } })), 401, "signature_stale");
  }

  // Not all of what must be covered: the answer says what to sign.
  for (const [request, components] of [
    [get, ["@method", "@path"]],
    [post, ["@method", "@authority", "@path", "@query"]],
  ]) {
    const refused = await product.send(await sign(request, { components }));
    assertProblem(refused, 401, "signature_invalid");
    const accept = refused.headers["accept-signature"];
    for (const component of nativeComponents(request.body)) assert.ok(accept.includes(`"${component}"`), accept);
  }
  assertProblem(await product.send(await sign(get, { components: [...nativeComponents(), "@method"] })), 401, "malformed_credential");
  assertProblem(await product.send(await sign(get, { parameters: { nonce: undefined } })), 401, "signature_invalid");
  assertProblem(await product.send(await sign(get, { parameters: { alg: "ed25519" } })), 401, "signature_invalid");
  assertProblem(await product.send(await sign(get, { keyid: (await newKey()).thumbprint })), 401, "unknown_token");
});

test("what changes something is accepted once, whichever of its two signatures comes", async (t) => {
  const { product, key, sign } = await prepared(t);
  const once = await sign({ method: "POST", path: "/v1/tokens", body: tokenBody("once") });
  assert.equal((await product.send(once)).status, 201);
  assertProblem(await product.send(once), 401, "replayed");
  // n - s is as good a signature as s, and the same request.
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const bytes = Buffer.from(once.headers.signature.split(":")[1], "base64");
  const s = BigInt(`0x${bytes.subarray(32).toString("hex")}`);
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from((order - s).toString(16).padStart(64, "0"), "hex")]);
  const twin = { ...once, headers: { ...once.headers, signature: `sig1=:${other.toString("base64")}:` } };
  assertProblem(await product.send(twin), 401, "replayed");
  // The same nonce in another request is refused too.
  const nonce = /nonce="([^"]+)"/u.exec(once.headers["signature-input"])[1];
  const again = await sign({ method: "POST", path: "/v1/tokens", body: tokenBody("again") }, { parameters: { nonce } });
  assertProblem(await product.send(again), 401, "replayed");
  const names = (await product.send(await signed(key, { host: HOST, path: "/v1/tokens" }, { now: product.clock.seconds() }))).json.items;
  assert.equal(names.filter(({ name }) => name === "once").length, 1);
  assert.equal(names.filter(({ name }) => name === "again").length, 0);
});

test("many at once of one signed request: one is accepted", async (t) => {
  const { product, sign } = await prepared(t);
  const once = await sign({ method: "POST", path: "/v1/tokens", body: tokenBody("race") });
  const responses = await Promise.all(Array.from({ length: 8 }, () => product.send(once)));
  assert.equal(responses.filter(({ status }) => status === 201).length, 1);
  for (const response of responses.filter(({ status }) => status !== 201)) assertProblem(response, 401, "replayed");
});

test("nobody registers a key without its private half, nor a key that somebody has", async (t) => {
  const { product, owner, key } = await prepared(t);
  const fresh = await newKey();
  const body = { kind: "pat", name: "claimed", scopes: ["read"] };
  const none = await product.send({ method: "POST", path: "/v1/tokens", token: owner.secret, body: { ...body, public_key: fresh.publicKeyHex } });
  assertProblem(none, 400, "invalid_request");
  assert.equal(none.json.errors[0].field, "proof");
  const impostor = await register(product, owner.secret, { ...key, publicKeyHex: fresh.publicKeyHex }, body);
  assertProblem(impostor, 400, "invalid_request");
  assertProblem(await register(product, owner.secret, key, body), 409, "conflict");
  const elsewhere = await product.send({ method: "POST", path: "/v1/organizations", token: owner.secret, body: setupBody({ slug: "other" }) });
  assertProblem(await register(product, elsewhere.json.secret, key, body), 409, "conflict");
  assert.equal((await register(product, owner.secret, fresh, body)).status, 201, "a refused attempt claims nothing");
});

test("a token is revoked with its private key alone", async (t) => {
  const { product, sign } = await prepared(t);
  const path = "/v1/tokens/revoke-by-key";
  const body = "{}";
  assertProblem(await product.send({ method: "POST", path, body, headers: { "content-type": "application/json" } }), 401, "missing_credential");
  const revoked = await product.send(await sign({ method: "POST", path, body }));
  assert.equal(revoked.status, 200, revoked.text);
  assertProblem(await product.send(await sign({ path: "/v1/whoami" })), 401, "revoked");
});

test("a POST without a body covers no digest, though clients send its length as 0", async (t) => {
  const { product, sign } = await prepared(t);
  const request = await sign({ method: "POST", path: "/v1/tokens/revoke-by-key" });
  const revoked = await product.send({ ...request, headers: { ...request.headers, "content-length": "0" } });
  assert.equal(revoked.status, 200, revoked.text);
});

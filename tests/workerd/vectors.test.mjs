// Every ECDSA P-256 vector inside workerd: WebCrypto as the gate uses it, and RustCrypto in WebAssembly, must both say
// what the vector says. The native run over the same files is tests/tests/it/ecdsa.rs.
import { strict as assert } from "node:assert";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { test } from "node:test";
import { launch } from "./lib/product.mjs";

const folder = process.env.SYMBOLON_VECTORS ?? fileURLToPath(new URL("../../../shared/vectors", import.meta.url));
const absent = !existsSync(folder);
if (absent) {
  assert.equal(process.env.SYMBOLON_VECTORS, undefined, `SYMBOLON_VECTORS names ${folder}, which is not there`);
  console.error(`vectors: LEFT OUT: there is no folder ${folder} (set SYMBOLON_VECTORS to have these tests run)`);
}

const skip = absent && "LEFT OUT: the folder of vectors is absent";
const load = (file) => JSON.parse(readFileSync(join(folder, file), "utf8"));

/** How many vectors go into one request. */
const BATCH = 100;

const base64 = (hex) => Buffer.from(hex, "hex").toString("base64");

/**
 * Runs one file: `read` turns it into `{id, key, message, signature, der?, valid}`, or `{id, skip: reason}`.
 */
function suite(file, read) {
  test(`vectors: ${file}`, { skip }, async (t) => {
    const product = await launch(t);
    const all = read(load(file));
    const skipped = all.filter(({ skip }) => skip !== undefined);
    const vectors = all.filter(({ skip }) => skip === undefined);
    const wrong = [];
    for (let from = 0; from < vectors.length; from += BATCH) {
      const batch = vectors.slice(from, from + BATCH);
      const { status, json, text } = await product.send({ method: "POST", path: "/__test/p256", body: batch });
      assert.equal(status, 200, text);
      assert.equal(json.length, batch.length);
      for (const [index, verdict] of json.entries()) {
        const { id, valid } = batch[index];
        if (verdict.webcrypto !== valid || verdict.rustcrypto !== valid) wrong.push({ id, valid, ...verdict });
      }
    }
    console.log(`vectors in workerd: ${file}: ${vectors.length - wrong.length} passed, ${skipped.length} skipped`);
    for (const { id, skip } of skipped) console.log(`vectors in workerd: ${file}: skipped, ${skip}: ${id}`);
    assert.deepEqual(wrong, []);
    assert.ok(vectors.length > 0, "nothing was checked");
  });
}

function wycheproof(der) {
  return ({ numberOfTests, testGroups }) => {
    const vectors = testGroups.flatMap(({ publicKey, tests }) =>
      tests.map(({ tcId, comment, msg, sig, result }) => ({
        id: `${tcId} ${comment}`,
        key: publicKey.uncompressed.slice(2),
        message: base64(msg),
        signature: base64(sig),
        der,
        valid: result === "valid",
      })),
    );
    assert.equal(vectors.length, numberOfTests);
    return vectors;
  };
}

const nist = ({ tests }) =>
  tests.map(({ id, msg_hex, qx, qy, p1363_hex, result }) => ({
    id,
    key: qx + qy,
    message: base64(msg_hex),
    signature: base64(p1363_hex),
    valid: result === "valid",
  }));

suite("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", wycheproof(false));
// WebCrypto reads no DER: the core reads it, as for a key or a proof in that form, and hands on the 64 bytes.
suite("wycheproof/ecdsa_secp256r1_sha256_test.json", wycheproof(true));
suite("nist/siggen_p256_sha256.json", nist);
suite("nist/sigver_p256_sha256.json", nist);
suite("rfc6979/rfc6979_p256.json", ({ qx, qy, tests }) =>
  tests.map(({ op, hash, input, sig_der_hex, result }, index) => {
    const id = `${index} ${op} ${hash} ${input}`;
    if (hash !== "SHA256") return { id, skip: "another hash than SHA-256" };
    return {
      id,
      key: qx + qy,
      message: Buffer.from(input).toString("base64"),
      signature: base64(sig_der_hex),
      der: true,
      valid: result === "valid",
    };
  }),
);

// The signatures printed in RFC 9421, over the bases printed there.
suite("rfc9421/rfc9421_p256_vectors.json", ({ key, tests }) => {
  const coordinate = (text) => Buffer.from(text, "base64url").toString("hex");
  return tests.map(({ id, signature_base, signature_b64, expect, note }) => {
    if (signature_base === undefined || signature_b64 === undefined) return { id, skip: `it has no base or signature: ${note}` };
    return {
      id,
      key: coordinate(key.jwk.x) + coordinate(key.jwk.y),
      message: Buffer.from(signature_base).toString("base64"),
      signature: signature_b64,
      valid: expect === "valid",
    };
  });
});

test("vectors: sha256/sha256_shavs.json", { skip }, async (t) => {
  const product = await launch(t);
  const { tests } = load("sha256/sha256_shavs.json");
  const messages = tests.map(({ msg_hex }) => base64(msg_hex));
  const { status, json, text } = await product.send({ method: "POST", path: "/__test/sha256", body: messages });
  assert.equal(status, 200, text);
  const expected = tests.map(({ sha256_hex }) => [base64(sha256_hex), sha256_hex]);
  assert.deepEqual(json, expected);
  console.log(`vectors in workerd: sha256/sha256_shavs.json: ${tests.length} passed, 0 skipped`);
});

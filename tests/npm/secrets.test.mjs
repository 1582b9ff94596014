// What is left of a private key in the memory of WebAssembly when nothing is computed with it: nothing, in any of its forms.

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { test } from "node:test";

import { LIB } from "./package.mjs";

const { SoftwareKey } = await import(new URL("software.js", LIB).href);
const glue = await import(new URL("wasm/generated/curve.js", LIB).href);

/** The forms of a scalar that are found in memory. A part of it counts: eight bytes, or as many characters as they have. */
function found(hex) {
  // Started already, so this only hands out its exports.
  const memory = Buffer.from(glue.initSync().memory.buffer);
  const raw = Buffer.from(hex, "hex");
  const reversed = Buffer.from(raw).reverse();
  const forms = {};
  for (let at = 0; at + 8 <= 32; at += 4) {
    forms[`bytes ${at}`] = raw.subarray(at, at + 8);
    forms[`bytes in little-endian order ${at}`] = reversed.subarray(at, at + 8);
  }
  for (const [name, text] of [["hex", hex], ["upper-case hex", hex.toUpperCase()], ["base64", raw.toString("base64")], ["base64url", raw.toString("base64url")]]) {
    for (let at = 0; at + 12 <= text.length - 1; at += 8) forms[`${name} ${at}`] = Buffer.from(text.slice(at, at + 12));
  }
  return Object.keys(forms).filter((name) => memory.includes(forms[name]));
}

/** Uses a key in every way that it can be used, looks after each, and then ends it. */
function used(key) {
  const hex = key.export("hex");
  const gone = (after) => deepEqual(found(hex), [], after);
  gone("export");
  key.export("jwk");
  gone("export as a JWK");
  key.sign(new TextEncoder().encode("a message"));
  gone("a signature");
  key.publicKey("jwk");
  key.thumbprint();
  key.fingerprint();
  gone("its public half");
  key.destroy();
  gone("the end");
  throws(() => key.export("hex"), { code: "invalid_request" });
  throws(() => key.sign(new Uint8Array(1)), { code: "invalid_request" });
  return hex;
}

test("the search finds what lies in memory", async () => {
  const key = await SoftwareKey.generate();
  const hex = key.export("hex");
  key.destroy();
  const held = glue.SecretKey.fromBytes(Buffer.from(hex, "hex"));
  ok(found(hex).some((name) => name.startsWith("bytes")));
  // A call wipes the stack, on which the key was moved to where it is held.
  held.public();
  held.free();
  deepEqual(found(hex), []);
});

test("a generated key is gone once it was exported, and after all else", async () => {
  for (let round = 0; round < 8; round += 1) used(await SoftwareKey.generate());
});

test("an imported key is gone too, and so is one that was refused", async () => {
  const made = await SoftwareKey.generate();
  const [jwk, hex] = [made.export("jwk"), made.export("hex")];
  for (const form of [hex, jwk]) equal(used(await SoftwareKey.import(form)), hex);
  await rejects(SoftwareKey.import({ ...jwk, x: jwk.y }), { code: "invalid_request" });
  deepEqual(found(hex), []);
  const tooLarge = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  await rejects(SoftwareKey.import(tooLarge), { code: "invalid_request" });
});

test("nothing is left of many keys that take turns", async () => {
  const keys = await Promise.all(Array.from({ length: 4 }, () => SoftwareKey.generate()));
  const hexes = keys.map((key) => key.export("hex"));
  for (const key of keys) {
    key.sign(new Uint8Array(100));
    for (const hex of hexes) deepEqual(found(hex), []);
  }
});

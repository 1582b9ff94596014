// What is left of a private key in the memory of WebAssembly when it is no longer needed: nothing, in any of its forms.

import { deepEqual, ok } from "node:assert/strict";
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

/** Uses a key in every way that it can be used, and then ends it. */
async function used(key) {
  const hex = key.export("hex");
  key.export("jwk");
  key.sign(new TextEncoder().encode("a message"));
  key.thumbprint();
  key.fingerprint();
  const there = found(hex);
  ok(there.length > 0, "while it is needed it is there, and the search finds it");
  deepEqual(there.filter((name) => /hex|base64/.test(name)), [], "but what was exported is not: texts are made outside");
  key.destroy();
  return hex;
}

test("a generated key is gone once it is destroyed", async () => {
  for (let round = 0; round < 8; round += 1) deepEqual(found(await used(await SoftwareKey.generate())), []);
});

test("an imported key is gone once it is destroyed, and so is one that was refused", async () => {
  const made = await SoftwareKey.generate();
  const [jwk, hex] = [made.export("jwk"), made.export("hex")];
  made.destroy();
  deepEqual(found(hex), []);
  for (const form of [hex, jwk]) deepEqual(found(await used(await SoftwareKey.import(form))), []);
  await SoftwareKey.import({ ...jwk, x: jwk.y }).then(() => ok(false), () => {});
  deepEqual(found(hex), []);
  const tooLarge = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  await SoftwareKey.import(tooLarge).then(() => ok(false), () => {});
});

test("what is left of one key is not there while another is in use", async () => {
  const keys = await Promise.all(Array.from({ length: 4 }, () => SoftwareKey.generate()));
  const hexes = keys.map((key) => key.export("hex"));
  for (let ended = 0; ended < keys.length; ended += 1) {
    keys[ended].destroy();
    for (const later of keys.slice(ended + 1)) later.sign(new Uint8Array(100));
    for (const hex of hexes.slice(0, ended + 1)) deepEqual(found(hex), []);
  }
});

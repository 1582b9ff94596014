// Hosts without WebAssembly: keys, signing, the client of the interface and verifying by asking Symbolon work there, and what
// does not says so. (Chromium, whose policy forbids it: tests/browser/package.test.mjs.)

import { deepEqual } from "node:assert/strict";
import { test } from "node:test";

import { run, symbolon } from "./lib.mjs";
import { LIB } from "./package.mjs";
import { allUnsupported, expected } from "./without-wasm.mjs";

for (const [name, program, args] of [
  ["Node", "node", []],
  ["Deno", "deno", ["run", "--quiet", "--allow-all"]],
  ["Bun", "bun", ["run"]],
]) {
  test(`${name} without WebAssembly`, async (t) => {
    const { url, secret, owner } = await symbolon(t);
    const out = await run(program, [...args, "tests/npm/without-wasm.mjs", LIB.href, url, secret]);
    const { refused, absent, token, ...rest } = JSON.parse(out.trim().split("\n").at(-1));
    deepEqual([absent, token], ["undefined", true]);
    deepEqual(rest, expected(owner));
    deepEqual(allUnsupported(refused), []);
  });
}

// The suite of every runtime in this Node, through the built package.

import { deepEqual } from "node:assert/strict";
import { test } from "node:test";

import { entries } from "./package.mjs";
import { tests } from "./suite.mjs";

for (const { name, run } of tests(await entries())) test(name, run);

test("the codes are those of the core", async () => {
  const { readFile } = await import("node:fs/promises");
  const core = await readFile(new URL("../../src/problem.rs", import.meta.url), "utf8");
  const types = await readFile(new URL("../../dist/npm/lib/errors.d.ts", import.meta.url), "utf8");
  const declared = /type Code = ([^;]+);/.exec(types)[1].match(/"[a-z_]+"/g).map((text) => text.slice(1, -1));
  const known = Array.from(core.matchAll(/^    [A-Z]\w+ = "([a-z_]+)", \d+,/gm), (match) => match[1]);
  deepEqual(declared, known);
});

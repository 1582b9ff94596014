// The suite of every runtime, in the others: Deno, Bun and workerd.

import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { ROOT, run, workerOf } from "./lib.mjs";
import { WORKERD, entries } from "./package.mjs";
import { tests } from "./suite.mjs";
import { readVectors } from "./vectors.mjs";

const count = tests(await entries()).length;

for (const [name, program, args] of [
  ["Deno", "deno", ["run", "--quiet", "--allow-read", "--allow-env"]],
  ["Bun", "bun", ["run"]],
]) {
  test(`${name}: ${count} tests`, async () => {
    const out = await run(program, [...args, "tests/npm/run.mjs"]);
    deepEqual(JSON.parse(out.trim().split("\n").at(-1)), { passed: count, failed: [] });
  });
}

for (const [name, program, args] of [["Deno", "deno", ["run", "--quiet", "--allow-all"]], ["Bun", "bun", ["run"]]]) {
  test(`${name}: nodeGuard in front of a server of node:http`, async () => {
    const out = await run(program, [...args, "tests/npm/node-guard.mjs"]);
    deepEqual(JSON.parse(out.trim().split("\n").at(-1)), [["signature", "a body", "a body"], 401]);
  });
}

test(`workerd: ${count} tests`, async (t) => {
  const folder = mkdtempSync(join(ROOT, ".tools/workerd-suite-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const vectors = readVectors();
  const of = (file) => JSON.stringify(new URL(file, WORKERD).pathname);
  const entry = `
    import * as full from ${of("index.js")};
    import * as light from ${of("webcrypto.js")};
    import * as software from ${of("software.js")};
    import * as api from ${of("api.js")};
    import * as middleware from ${of("middleware.js")};
    import { prepare } from ${of("base.js")};
    import { prepareInCore } from ${of("wasm/rules.js")};
    import { run } from ${JSON.stringify(join(ROOT, "tests/npm/suite.mjs"))};
    import data from "./vectors.json";
    const vectors = data === null ? null : { ...data, steps: { prepare, prepareInCore } };
    export default { fetch: async () => Response.json(await run({ full, light, software, api, middleware, vectors })) };
  `;
  writeFileSync(join(folder, "vectors.json"), JSON.stringify(vectors));
  writeFileSync(join(folder, "entry.js"), entry);
  const bundle = await build({
    entryPoints: [join(folder, "entry.js")], bundle: true, format: "esm", write: false, conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" }, assetNames: "[name]", outdir: folder, target: "es2024",
  });
  const script = bundle.outputFiles.find(({ path }) => path.endsWith("entry.js"));
  const modules = bundle.outputFiles.filter(({ path }) => path.endsWith(".wasm"));
  const address = await workerOf(t, {
    "entry.js": script.text,
    ...Object.fromEntries(modules.map(({ path, contents }) => [path.slice(folder.length + 1), contents])),
  });
  const answer = await fetch(address);
  deepEqual(await answer.json(), { passed: count, failed: [] });
});

// Which files each runtime and each bundler gets by the package's `exports`: workerd those that import the compiled module,
// all others those that carry it.

import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "node:test";

import { build } from "esbuild";

import { ROOT, project, run } from "./lib.mjs";

const PACKAGE = join(ROOT, "dist/npm");
const { exports: map } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
const entries = Object.keys(map).filter((name) => name !== "./package.json");
const specifiers = entries.map((name) => name.replace(".", "symbolon"));
const files = (folder) => entries.map((name) => `${folder}/${name === "." ? "index" : name.slice(2)}.js`);

test("each entry names every host, and each file that is named is there", () => {
  for (const name of entries) {
    // In this order: whoever sets workerd sets browser too, and types are looked for first.
    deepEqual(Object.keys(map[name]), ["types", "workerd", "browser", "node", "deno", "bun", "default"], name);
    for (const path of Object.values(map[name])) ok(existsSync(join(PACKAGE, path)), path);
  }
});

/** The files of the package that an entry reaches by itself, and whatever else it names. */
function reached(file, found = new Map()) {
  if (found.has(file)) return found;
  const text = readFileSync(file, "utf8");
  found.set(file, text);
  for (const [, specifier] of text.matchAll(/(?:\bfrom |^import |\bimport\()"([^"]+)"/gm)) {
    ok(/^\.\.?\//.test(specifier), `${file} imports ${specifier}, which a page cannot resolve`);
    const next = join(dirname(file), specifier);
    if (next.endsWith(".js")) reached(next, found);
    else found.set(next, "");
  }
  return found;
}

test("the scripts for workerd import WebAssembly, all others carry it, and neither reaches the other", () => {
  for (const [folder, wanted, other] of [["lib", /\.module\.js$/, /\.wasm$/], ["workerd", /\.wasm$/, undefined]]) {
    const all = new Map();
    for (const file of files(folder)) reached(join(PACKAGE, file), all);
    const paths = Array.from(all.keys(), (path) => relative(PACKAGE, path));
    deepEqual(paths.filter((path) => !path.startsWith(`${folder}/`)), []);
    equal(paths.filter((path) => wanted.test(path)).length, 2, `${folder}: rules and curve`);
    if (other !== undefined) deepEqual(paths.filter((path) => other.test(path)), []);
    for (const [path, text] of all) equal(path.endsWith(".module.js") && text.length > 10_000, folder === "lib" && path.endsWith(".module.js"), path);
  }
  // But for that they are the same.
  const scripts = (folder) => readdirSync(join(PACKAGE, folder), { recursive: true }).filter((path) => path.endsWith(".js")).sort();
  deepEqual(scripts("workerd"), scripts("lib"));
  for (const path of scripts("lib").filter((one) => !one.endsWith(".module.js"))) {
    equal(readFileSync(join(PACKAGE, "workerd", path), "utf8"), readFileSync(join(PACKAGE, "lib", path), "utf8"), path);
  }
});

const RESOLVE = `for (const name of ${JSON.stringify(specifiers)}) console.log(import.meta.resolve(name));`;

for (const [name, program, args, folder] of [
  ["Node", "node", [], "lib"],
  ["Node with the condition browser", "node", ["--conditions=browser"], "lib"],
  ["Node with the condition workerd", "node", ["--conditions=workerd"], "workerd"],
  ["Deno", "deno", ["run", "--quiet", "--allow-read", "--node-modules-dir=manual"], "lib"],
  ["Bun", "bun", ["run"], "lib"],
  ["Bun with the condition workerd", "bun", ["--conditions=workerd", "run"], "workerd"],
]) {
  test(`${name} gets ${folder}`, async (t) => {
    const project_ = await project(t, { "resolve.mjs": RESOLVE });
    const out = await run(program, [...args, "resolve.mjs"], { cwd: project_ });
    const base = pathToFileURL(realpathSync(join(project_, "node_modules/symbolon"))).href;
    deepEqual(out.trim().split("\n"), files(folder).map((file) => `${base}/${file}`));
  });
}

const USES = specifiers.map((name, at) => `import * as all${at} from "${name}";`).join("\n") + `\nglobalThis.x = [${specifiers.map((_, at) => `all${at}`)}];`;

for (const [name, options, folder] of [
  ["for browsers", { platform: "browser" }, "lib"],
  ["for Node", { platform: "node" }, "lib"],
  ["for no platform", { platform: "neutral" }, "lib"],
  ["for workerd, as wrangler calls it", { platform: "browser", conditions: ["workerd", "worker", "browser"], external: ["*.wasm"] }, "workerd"],
]) {
  test(`esbuild ${name} gets ${folder}`, async (t) => {
    const folder_ = await project(t, {});
    const { metafile } = await build({ stdin: { contents: USES, resolveDir: folder_ }, bundle: true, format: "esm", write: false, metafile: true, logLevel: "silent", ...options });
    check(Object.keys(metafile.inputs), folder);
  });
}

for (const [name, options, folder] of [
  ["for pages", {}, "lib"],
  ["for a server", { build: { ssr: "main.js" }, ssr: { noExternal: true } }, "lib"],
  ["for workerd", { build: { ssr: "main.js", rollupOptions: { external: /\.wasm$/ } }, ssr: { noExternal: true, target: "webworker", resolve: { conditions: ["workerd", "worker", "browser"] } } }, "workerd"],
]) {
  test(`Vite ${name} gets ${folder}`, async (t) => {
    const vite = await import(pathToFileURL(createRequire(join(ROOT, "package.json")).resolve("vite")).href);
    const root = await project(t, { "main.js": USES, "index.html": "<!doctype html><script type=module src=/main.js></script>" });
    const result = await vite.build({ root, configFile: false, logLevel: "silent", ...options, build: { ...options.build, write: false } });
    const { output } = Array.isArray(result) ? result[0] : result;
    check(output.flatMap((chunk) => chunk.moduleIds ?? []), folder);
  });
}

/** Of the package's files only those of this folder were used, and all its entries. */
function check(paths, folder) {
  const used = paths.map((path) => path.split("node_modules/symbolon/")[1]).filter((path) => path !== undefined);
  deepEqual(used.filter((path) => !path.startsWith(`${folder}/`)), []);
  deepEqual(files(folder).filter((file) => !used.includes(file)), []);
}

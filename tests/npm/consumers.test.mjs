// Fresh projects that install the packed tarball and nothing else: each signs requests that the Worker accepts.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { CONSUMER, ROOT, project, run, symbolon, tarball, workerOf } from "./lib.mjs";

const SCRIPT = `import { sign } from "./consumer.js";
const [url, secret] = process.argv.slice(2);
console.log(await sign(url, secret));
`;

/** The Node that was there before node_modules: it may be older. */
function ownNode() {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
  return folders.map((folder) => join(folder, "node")).find((path) => existsSync(path)) ?? "node";
}

for (const [name, program, args] of [
  ["Node 24", join(ROOT, "node_modules/.bin/node"), []],
  ["the machine's Node", ownNode(), []],
  ["Deno", "deno", ["run", "--quiet", "--allow-all", "--node-modules-dir=manual"]],
  ["Bun", "bun", ["run"]],
]) {
  test(`${name}: the installed package signs what the Worker accepts`, async (t) => {
    const [{ url, secret }, folder] = await Promise.all([symbolon(t), project(t, { "consumer.js": CONSUMER, "script.js": SCRIPT })]);
    equal((await run(program, [...args, "script.js", url, secret], { cwd: folder })).trim(), "accepted");
  });
}

test("esbuild: one file without any other, for Node", async (t) => {
  const [{ url, secret }, folder] = await Promise.all([symbolon(t), project(t, { "consumer.js": CONSUMER, "script.js": SCRIPT })]);
  await build({ entryPoints: [join(folder, "script.js")], bundle: true, format: "esm", platform: "node", outfile: join(folder, "out/bundle.mjs") });
  equal((await run("node", [join(folder, "out/bundle.mjs"), url, secret])).trim(), "accepted");
});

test("wrangler: a Worker that signs", async (t) => {
  const [{ url, secret }, folder] = await Promise.all([
    symbolon(t),
    project(t, {
      "consumer.js": CONSUMER,
      "worker.js": `import { sign } from "./consumer.js";
        export default { fetch: async (request) => { const { url, secret } = await request.json(); return new Response(await sign(url, secret)); } };`,
      "wrangler.toml": 'name = "consumer"\nmain = "worker.js"\ncompatibility_date = "2026-10-01"\n',
    }),
  ]);
  const env = { WRANGLER_LOG_PATH: join(folder, "logs"), XDG_CONFIG_HOME: join(folder, "config"), HOME: folder };
  await run("wrangler", ["deploy", "--dry-run", "--outdir", "out"], { cwd: folder, env });
  const files = readdirSync(join(folder, "out"));
  const modules = files.filter((file) => file.endsWith(".wasm"));
  ok(modules.length > 0, files.join(", "));
  const address = await workerOf(t, {
    "worker.js": readFileSync(join(folder, "out/worker.js"), "utf8"),
    ...Object.fromEntries(modules.map((name) => [name, readFileSync(join(folder, "out", name))])),
  });
  const answer = await fetch(address, { method: "POST", body: JSON.stringify({ url, secret }) });
  equal(await answer.text(), "accepted");
});

test("types: a strict project compiles against it", async (t) => {
  const source = `
    import { type Code, type Verification, SymbolonError, generateKeyPair, nativePolicy, signRequest, verifyRequest } from "symbolon";
    import { signedFetch } from "symbolon/webcrypto";
    import { SoftwareKey } from "symbolon/software";
    const pair: CryptoKeyPair = await generateKeyPair();
    const policy = nativePolicy({ maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 });
    const signed: Request = await signRequest(new Request("https://a.example/"), pair, { organization: "Acme42" });
    const found: Verification = await verifyRequest(signed, pair.publicKey, { policy });
    if (found.valid) { const until: number = found.replayableUntil; void until; } else { const code: Code = found.code; void code; }
    // @ts-expect-error a policy is required
    await verifyRequest(signed, pair.publicKey, {});
    // @ts-expect-error what was refused has no facts
    if (!found.valid) void found.keyId;
    await signedFetch(await SoftwareKey.generate())("https://a.example/");
    try { throw new Error("x"); } catch (error) { if (error instanceof SymbolonError) void error.code; }
  `;
  const config = { compilerOptions: { strict: true, noEmit: true, module: "nodenext", target: "es2022", lib: ["es2022", "dom", "dom.iterable"], types: [], exactOptionalPropertyTypes: true } };
  const folder = await project(t, { "consumer.ts": source, "tsconfig.json": JSON.stringify(config) });
  await run("tsc", ["--project", "."], { cwd: folder });
  const bundled = { compilerOptions: { ...config.compilerOptions, module: "esnext", moduleResolution: "bundler" } };
  const other = await project(t, { "consumer.ts": source, "tsconfig.json": JSON.stringify(bundled) });
  await run("tsc", ["--project", "."], { cwd: other });
  // A server's project has Node's types and not the DOM's, and has them checked, the package's too.
  const server = source.replace("CryptoKeyPair", "KeyPair").replace("type Code,", "type Code, type KeyPair,");
  const middleware = `
    import { createServer } from "node:http";
    import { Hono } from "hono";
    import { type Accepted, askSymbolon, guard, honoGuard, nodeGuard } from "symbolon/middleware";
    import { createClient, whoAmI } from "symbolon/api";
    const verifier = askSymbolon({ url: "https://tokens.example", credential: "x" });
    const origin = "https://api.example";
    // @ts-expect-error an origin is required
    guard(verifier, () => new Response(""));
    const shown = (accepted: Accepted): string =>
      accepted.via === "signature" ? accepted.signature.replayKey : accepted.identity.principal.type === "member" ? accepted.identity.principal.email : accepted.identity.token.kind;
    guard(verifier, (request: Request, accepted) => new Response(shown(accepted)), { origin });
    const node = nodeGuard(verifier, { origin });
    createServer((request, response) => node(request, response, () => response.end()));
    const app = new Hono<{ Variables: { symbolon: Accepted } }>();
    app.use("/api/*", honoGuard(verifier, { origin: [origin, "https://second.example"] }));
    app.get("/api/x", (c) => c.text(shown(c.get("symbolon"))));
    const me = await whoAmI(createClient({ url: "https://tokens.example" }));
    if (me.ok) void me.data.permissions.join();
  `;
  const modules = { paths: { hono: [join(ROOT, "node_modules/hono/dist/types/index.d.ts")] }, typeRoots: [join(ROOT, "node_modules/@types")], types: ["node"] };
  const third = await project(t, {
    "consumer.ts": server,
    "middleware.ts": middleware,
    "tsconfig.json": JSON.stringify({ compilerOptions: { ...config.compilerOptions, lib: ["es2022"], ...modules }, files: ["consumer.ts"] }),
    "tsconfig.middleware.json": JSON.stringify({ compilerOptions: { ...config.compilerOptions, ...modules }, files: ["middleware.ts"] }),
  });
  await run("tsc", ["--project", "."], { cwd: third });
  await run("tsc", ["--project", "tsconfig.middleware.json"], { cwd: third });
});

test("every declaration that is exported is described, and none is any", () => {
  const lib = join(ROOT, "dist/npm/lib");
  const files = readdirSync(lib, { recursive: true }).filter((file) => file.endsWith(".d.ts") && !file.startsWith("wasm/"));
  let seen = 0;
  for (const file of files) {
    const lines = readFileSync(join(lib, file), "utf8").split("\n");
    for (const [at, line] of lines.entries()) {
      const code = line.replace(/\/\/.*|^\s*\*.*|\/\*.*/, "").replace(/"[^"]*"/g, "");
      ok(!/[:<|,(=&]\s*any\b|\bany\[/.test(code), `${file}:${at + 1}: ${line}`);
      const name = /^export (?:declare )?(?:abstract )?(?:interface|type|const|function|class) (\w+)/.exec(line)?.[1];
      if (name === undefined) continue;
      seen += 1;
      // A second signature of the same function is described with the first.
      const before = lines[at - 1] ?? "";
      ok(before.trimEnd().endsWith("*/") || before.startsWith(`export declare function ${name}`), `${file}:${at + 1}: ${line}`);
    }
  }
  ok(seen > 100, `${seen} declarations`);
});

test("publint, are the types wrong, and a dry run of npm publish find nothing", async () => {
  const file = await tarball();
  match(await run("publint", ["run", file, "--strict"]), /All good/);
  await run("attw", [file, "--profile", "esm-only", "--no-emoji"]);
  await run("npm", ["publish", "--dry-run", "--offline", file]);
});

test("a bundle is no larger than the documentation says", async (t) => {
  const text = readFileSync(join(ROOT, "docs/npm.md"), "utf8");
  const said = Array.from(text.matchAll(/^\| `(symbolon[a-z/]*)` \|.*\| (\d+) KiB.* \|$/gm), ([, entry, kib]) => [entry, Number(kib)]);
  // What the table speaks of, in its order.
  const contents = [
    'import { generateKeyPair, importKey, exportKey, fingerprint, signRequest, verifyRequest } from "symbolon"; globalThis.x = [generateKeyPair, importKey, exportKey, fingerprint, signRequest, verifyRequest];',
    'import * as all from "symbolon/webcrypto"; globalThis.x = { ...all };',
    'import { createClient, whoAmI } from "symbolon/api"; globalThis.x = [createClient, whoAmI];',
    'import { askSymbolon, guard, honoGuard, nodeGuard } from "symbolon/middleware"; globalThis.x = [askSymbolon, guard, honoGuard, nodeGuard];',
    'import { againstKeys, guard, honoGuard, memoryOfReplays, nodeGuard } from "symbolon/middleware"; globalThis.x = [againstKeys, guard, honoGuard, memoryOfReplays, nodeGuard];',
    'import * as all from "symbolon/software"; globalThis.x = { ...all };',
  ];
  const folder = await project(t, {});
  equal(said.length, contents.length);
  for (const [at, [entry, kib]] of said.entries()) {
    ok(contents[at].includes(`"${entry}"`), entry);
    const out = await build({ stdin: { contents: contents[at], resolveDir: folder }, bundle: true, minify: true, format: "esm", target: "es2022", write: false, logLevel: "silent" });
    const bytes = gzipSync(out.outputFiles[0].contents, { level: 9 }).length;
    ok(bytes <= kib * 1024, `${entry}: ${bytes} bytes, and ${kib} KiB are said`);
  }
});

test("a bundle holds what it uses and nothing else", async (t) => {
  // Something that only this part of the package says.
  const markers = { keys: "neither hexadecimal nor PEM", store: "no IndexedDB", token: "the checksum is wrong", fetch: "to another origin", rules: "@signature-params", core: "forbids WebAssembly" };
  const cases = {
    'import { parseToken } from "symbolon"; console.log(parseToken);': ["token"],
    'import { generateKeyPair } from "symbolon"; console.log(generateKeyPair);': [],
    'import { importKey } from "symbolon/webcrypto"; console.log(importKey);': ["keys"],
    'import { openKeyStore } from "symbolon"; console.log(openKeyStore);': ["store"],
    'import { signRequest } from "symbolon/webcrypto"; console.log(signRequest);': ["rules"],
    'import { signedFetch } from "symbolon/webcrypto"; console.log(signedFetch);': ["fetch", "rules"],
    'import { verifyRequest } from "symbolon"; console.log(verifyRequest);': ["core"],
    'import "symbolon";': [],
  };
  const folder = await project(t, {});
  for (const [contents, expected] of Object.entries(cases)) {
    const out = await build({ stdin: { contents, resolveDir: folder }, bundle: true, minify: true, format: "esm", write: false, logLevel: "silent" });
    const text = out.outputFiles[0].text;
    const found = Object.keys(markers).filter((name) => text.includes(markers[name]));
    equal(found.join(), expected.join(), contents);
  }
  // P-256 in WebAssembly is for Blobs alone here: a bundler that splits leaves it to be loaded when it is needed.
  const contents = 'import { signedFetch } from "symbolon"; console.log(signedFetch);';
  const split = await build({ stdin: { contents, resolveDir: folder }, bundle: true, minify: true, splitting: true, format: "esm", write: false, outdir: join(folder, "split") });
  const entry = split.outputFiles.find(({ path }) => path.endsWith("stdin.js")).text;
  const first = [entry];
  // What the entry imports at once, and what that does.
  for (const text of first) {
    for (const [, name] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) first.push(split.outputFiles.find(({ path }) => path.endsWith(name)).text);
  }
  const software = (text) => text.includes("the key was destroyed");
  deepEqual([first.some(software), split.outputFiles.some(({ text }) => software(text))], [false, true]);
});

// The npm package in Chromium: the suite of every runtime, keys in IndexedDB, what becomes of a key's bytes, and projects
// that are built the way front-ends are.

import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { CONSUMER, ROOT, project, run, symbolon } from "../npm/lib.mjs";
import { LIB, entries } from "../npm/package.mjs";
import { tests } from "../npm/suite.mjs";
import { allUnsupported, expected } from "../npm/without-wasm.mjs";
import { readVectors } from "../npm/vectors.mjs";
import { STRICT, WITHOUT_WASM, browser, serve } from "./lib.mjs";

const of = (file) => JSON.stringify(new URL(file, LIB).pathname);

/** Bundles a module's text for the browser. */
async function bundle(contents) {
  const out = await build({ stdin: { contents, resolveDir: ROOT }, bundle: true, format: "esm", write: false, conditions: ["browser"], target: "es2022", logLevel: "warning" });
  return out.outputFiles[0].text;
}

/** A page whose script is this module; what it puts into `globalThis.outcome`. */
async function outcome(t, contents, { files = {}, api, policy = STRICT, page, context } = {}) {
  const url = await serve(t, { files: { "/": "<!doctype html><script type=module src=/main.js></script>", "/main.js": await bundle(contents), ...files }, api, policy });
  const tab = page ?? (await (context ?? (await browser(t))).newPage());
  const errors = [];
  tab.on("pageerror", (error) => errors.push(error));
  await tab.goto(url);
  const found = await Promise.race([
    tab.waitForFunction(() => globalThis.outcome !== undefined, undefined, { timeout: 120_000 }).then(() => tab.evaluate(() => globalThis.outcome)),
    new Promise((_, reject) => tab.on("pageerror", reject)),
  ]);
  deepEqual(errors, []);
  return { found, tab, url };
}

test("Chromium: the suite of every runtime, under a strict Content-Security-Policy", async (t) => {
  const count = tests(await entries()).length;
  const { found } = await outcome(
    t,
    `import * as full from ${of("index.js")};
     import * as light from ${of("webcrypto.js")};
     import * as software from ${of("software.js")};
     import * as api from ${of("api.js")};
     import * as middleware from ${of("middleware.js")};
     import { prepare } from ${of("base.js")};
     import { prepareInCore } from ${of("wasm/rules.js")};
     import { run } from ${JSON.stringify(join(ROOT, "tests/npm/suite.mjs"))};
     const data = await (await fetch("/vectors.json")).json();
     const vectors = data === null ? null : { ...data, steps: { prepare, prepareInCore } };
     globalThis.outcome = await run({ full, light, software, api, middleware, vectors });`,
    { files: { "/vectors.json": JSON.stringify(readVectors()) } },
  );
  deepEqual(found, { passed: count, failed: [] });
});

test("Chromium: where WebAssembly is forbidden, what needs none works, and the rest says why it cannot", async (t) => {
  const { url: api, secret, owner } = await symbolon(t);
  const { found } = await outcome(
    t,
    `import { withoutWebAssembly } from ${JSON.stringify(join(ROOT, "tests/npm/without-wasm.mjs"))};
     import * as index from ${of("index.js")};
     import * as webcrypto from ${of("webcrypto.js")};
     import * as software from ${of("software.js")};
     import * as api from ${of("api.js")};
     import * as middleware from ${of("middleware.js")};
     const files = { index, webcrypto, software, api, middleware };
     const load = (file) => files[file.replace(".js", "")];
     globalThis.outcome = await withoutWebAssembly({ load, url: location.origin, secret: ${JSON.stringify(secret)} });`,
    { api, policy: WITHOUT_WASM },
  );
  const { refused, token, ...rest } = found;
  equal(token, true);
  deepEqual(rest, expected(owner));
  deepEqual(allUnsupported(refused), []);
});

test("Chromium: keys stay in IndexedDB, across visits, and nowhere else", async (t) => {
  const context = await browser(t);
  const script = `
    import { exportKey, generateKeyPair, openKeyStore, signRequest, thumbprint } from ${of("index.js")};
    const store = await openKeyStore();
    const code = (promise) => promise.then(() => "none", (error) => error.code);
    const before = (await store.list()).map(({ name }) => name);
    if (before.length === 0) {
      const pair = await generateKeyPair();
      await store.put("b", pair);
      await store.put("a", await generateKeyPair());
      const twice = await code(store.put("b", await generateKeyPair()));
      await store.put("a", await generateKeyPair(), { replace: true });
      globalThis.outcome = { before, twice, print: await thumbprint(pair) };
    } else {
      const pair = await store.get("b");
      const listed = await store.list();
      const signed = await signRequest(new Request("https://a.example/"), pair);
      const outcome = {
        before, print: await thumbprint(pair), export: await code(exportKey(pair, "hex")), signed: signed.headers.has("signature"),
        listed: await thumbprint(listed[1].publicKey), recent: Math.abs(Date.now() - listed[1].createdAt) < 600000,
        deleted: [await store.delete("b"), await store.delete("b")], gone: (await store.get("b")) === undefined,
        left: (await store.list()).map(({ name }) => name),
      };
      store.close();
      globalThis.outcome = { ...outcome, local: localStorage.length, session: sessionStorage.length, cookies: document.cookie };
    }`;
  const first = await outcome(t, script, { context });
  deepEqual([first.found.before, first.found.twice], [[], "storage_failed"]);
  await first.tab.reload();
  await first.tab.waitForFunction(() => globalThis.outcome !== undefined);
  const { print, ...rest } = await first.tab.evaluate(() => globalThis.outcome);
  equal(print, first.found.print);
  deepEqual(rest, {
    before: ["a", "b"], export: "unsupported", signed: true, listed: print, recent: true, deleted: [true, false], gone: true, left: ["a"],
    local: 0, session: 0, cookies: "",
  });
});

test("Chromium: a key that is said to be kept is kept, and what went wrong is told", async (t) => {
  const { found } = await outcome(
    t,
    `import { generateKeyPair, openKeyStore } from ${of("index.js")};
     const why = (promise) => promise.then(() => "none", (error) => [error.name, error.code, error.message].join(": "));
     const store = await openKeyStore("another");
     const pair = await generateKeyPair();
     const add = IDBObjectStore.prototype.add;
     // A disk that fills up after the request itself has succeeded.
     IDBObjectStore.prototype.add = function (row) {
       const request = add.call(this, row);
       request.addEventListener("success", () => this.transaction.abort());
       return request;
     };
     const aborted = await why(store.put("a", pair));
     IDBObjectStore.prototype.add = add;
     const left = await store.list();
     const { privateKey, publicKey } = pair;
     const strange = await why(store.put("b", { privateKey: () => privateKey, publicKey }));
     await store.put("a", pair);
     const taken = await why(store.put("a", pair));
     store.close();
     globalThis.outcome = { aborted, left: left.length, strange, taken, closed: await why(store.get("a")) };`,
  );
  deepEqual(found, {
    aborted: "StorageError: storage_failed: the database of keys cannot be used",
    left: 0,
    strange: "StorageError: storage_failed: not a pair of WebCrypto's keys",
    taken: "StorageError: storage_failed: there is a key of this name already",
    closed: "StorageError: storage_failed: the store was closed",
  });
});

test("Chromium: a page with modules and no build step signs what the Worker accepts", async (t) => {
  const [{ url: api, secret }, folder] = await Promise.all([symbolon(t), project(t, {})]);
  // The example of docs/npm.md as it stands, and its address, and nothing else: no import map, and no policy that allows one.
  const [, example] = /^```js page\n(.*?)^```/ms.exec(readFileSync(join(ROOT, "docs/npm.md"), "utf8"));
  const [, place] = / from "([^"]+)";/.exec(example);
  const url = await serve(t, {
    files: {
      "/": "<!doctype html><script type=module src=/main.js></script>",
      "/consumer.js": CONSUMER.replace('"symbolon"', JSON.stringify(place)),
      // Nobody knows the example's key, and so the server says.
      "/main.js": `import { sign } from "./consumer.js"; ${example}
        const { code } = await (await call(location.origin + "/v1/whoami")).json();
        globalThis.outcome = [await sign(location.origin, ${JSON.stringify(secret)}), code];`,
    },
    fallback: (path) => (path.startsWith("/symbolon/lib/") && !path.includes("..") ? readFileSync(join(folder, "node_modules", path)) : undefined),
    api,
  });
  const tab = await (await browser(t)).newPage();
  await tab.goto(url);
  await tab.waitForFunction(() => globalThis.outcome !== undefined);
  deepEqual(await tab.evaluate(() => globalThis.outcome), ["accepted", "unknown_token"]);
});

for (const bundler of ["vite", "esbuild"]) {
  test(`Chromium: what ${bundler} builds signs what the Worker accepts`, async (t) => {
    const [{ url: api, secret }, folder] = await Promise.all([
      symbolon(t),
      project(t, {
        "consumer.js": CONSUMER,
        "main.js": `import { sign } from "./consumer.js"; globalThis.outcome = await sign(location.origin, new URL(location.href).hash.slice(1));`,
        "index.html": "<!doctype html><script type=module src=/main.js></script>",
        "vite.config.js": "export default { build: { modulePreload: false, target: 'es2022' } };",
      }),
    ]);
    if (bundler === "vite") await run("vite", ["build", "--outDir", "out", "--logLevel", "warn"], { cwd: folder });
    else {
      await build({ entryPoints: [join(folder, "main.js")], bundle: true, minify: true, format: "esm", target: "es2022", outfile: join(folder, "out/main.js") });
    }
    const file = (path) => (path.includes("..") ? undefined : readFileSync(join(folder, "out", path)));
    const files = bundler === "vite" ? { "/": file("index.html") } : { "/": "<!doctype html><script type=module src=/main.js></script>" };
    const url = await serve(t, { files, fallback: file, api });
    const tab = await (await browser(t)).newPage();
    await tab.goto(`${url}/#${secret}`);
    await tab.waitForFunction(() => globalThis.outcome !== undefined);
    equal(await tab.evaluate(() => globalThis.outcome), "accepted");
  });
}

// The examples of docs/npm.md, taken out of it and run as they stand. (Browsers and Workers: consumers, tests/browser.)

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { ROOT, project, run, symbolon, tarball, workerOf } from "./lib.mjs";
import { LIB } from "./package.mjs";

const { exportKey, generateKeyPair, signRequest, thumbprint } = await import(new URL("index.js", LIB).href);

/** The example of this name. */
function example(name) {
  const text = readFileSync(join(ROOT, "docs/npm.md"), "utf8");
  const found = new RegExp(`^\`\`\`\\w+ ${name}\\n(.*?)^\`\`\``, "ms").exec(text);
  ok(found, `docs/npm.md has an example ${name}`);
  return found[1];
}

test("make a key, register it, call the API", async (t) => {
  const { url, secret } = await symbolon(t);
  const head = `const [url, token] = process.argv.slice(2);\n`;
  const [imports, rest] = [example("register").split("\n")[0], example("register").split("\n").slice(1).join("\n")];
  const folder = await project(t, { "example.mjs": `${imports}\n${head}${rest}\nconsole.log((await response.json()).token.name);` });
  equal((await run("node", ["example.mjs", url, secret], { cwd: folder })).trim(), "my laptop");
});

test("guard a server", async (t) => {
  const folder = await project(t, {
    "server.mjs": `import { generateKeyPair, thumbprint } from "symbolon"; export const pair = await generateKeyPair(); const keys = { [await thumbprint(pair)]: pair.publicKey };\n${example("guard")}`,
    "client.mjs": `import { signedFetch } from "symbolon"; import server, { pair } from "./server.mjs";
      const call = signedFetch(pair, { fetch: server.fetch });
      console.log((await call("https://api.example.com/x")).status, (await server.fetch(new Request("https://api.example.com/x"))).status);`,
  });
  equal((await run("node", ["client.mjs"], { cwd: folder })).trim(), "200 401");
});

test("guard a Worker", async (t) => {
  const pair = await generateKeyPair({ extractable: true });
  const jwk = JSON.stringify(await exportKey(pair.publicKey, "jwk"));
  const folder = await project(t, {
    "worker.js": `import { importPublicKey } from "symbolon";
      const keys = () => importPublicKey(${JSON.stringify(jwk)});
      ${example("guard")}`,
  });
  const bundle = await build({
    entryPoints: [join(folder, "worker.js")], outdir: join(folder, "out"), bundle: true, format: "esm", write: false,
    conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" }, assetNames: "[name]", target: "es2024",
  });
  const modules = bundle.outputFiles.map(({ path, text, contents }) => [basename(path), path.endsWith(".wasm") ? contents : text]);
  // What the Worker starts with comes first.
  const address = await workerOf(t, Object.fromEntries(modules.sort(([a], [b]) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")))));
  const call = async (url) => {
    const { headers } = await signRequest(new Request(url), pair);
    const answer = await fetch(new URL("/x", address), { headers });
    return [answer.status, (await answer.json()).keyid ?? null];
  };
  deepEqual(await call("https://api.example.com/x"), [200, await thumbprint(pair)]);
  deepEqual(await call("https://other.example.com/x"), [401, null]);
});

test("guard Express and Hono by asking Symbolon", async (t) => {
  const { url, secret } = await symbolon(t);
  const start = "const [url, token] = process.argv.slice(2);\n";
  // What is imported stays first.
  const [head, body] = ["express", "hono"].map(example).map((text) => text.replace(/^(import [^;]+;\n)+/, (imports) => `${imports}${start}`));
  const folder = await project(t, {
    "express.mjs": `${head}
      import { createServer } from "node:http";
      const server = createServer(app).listen(0, "127.0.0.1", async () => {
        const call = (headers) => fetch(\`http://127.0.0.1:\${server.address().port}/api/things\`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: '{"name":"table"}' });
        const good = await call({ authorization: "Bearer " + token });
        console.log(good.status, await good.text(), (await call({})).status);
        server.close();
      });`,
    "hono.ts": `${body}
      const call = (headers: Record<string, string>) => app.request("https://api.example.com/api/me", { headers });
      const good = await call({ authorization: "Bearer " + token });
      console.log(good.status, await good.text(), (await call({})).status);`,
  });
  for (const name of ["express", "hono"]) symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  await build({ entryPoints: [join(folder, "hono.ts")], outfile: join(folder, "hono.mjs"), format: "esm" });
  equal((await run("node", ["express.mjs", url, secret], { cwd: folder })).trim(), '200 {"by":"Ada","thing":"table"} 401');
  equal((await run("node", ["hono.mjs", url, secret], { cwd: folder })).trim(), "200 Ada 401");
});

test("every function, class and value of every entry is in the documentation", async () => {
  const text = readFileSync(join(ROOT, "docs/npm.md"), "utf8");
  // In its sentences: an example alone says nothing.
  const prose = text.replace(/^```.*?^```/gms, "");
  const words = new Set(Array.from(prose.matchAll(/`([^`]+)`/g), ([, code]) => code.match(/\w+/g) ?? []).flat());
  for (const entry of ["index", "webcrypto", "software", "middleware", "api"]) {
    ok(text.includes(entry === "index" ? "`symbolon`" : `\`symbolon/${entry}\``), entry);
    const missing = Object.keys(await import(new URL(`${entry}.js`, LIB).href)).filter((name) => !words.has(name));
    equal(missing.join(), "", entry);
  }
});

test("the step of a pipeline signs a request, and fails where the key is not known", async (t) => {
  const { url, secret } = await symbolon(t);
  const folder = await project(t, {});
  const step = example("github-actions");
  match(step, /SYMBOLON_KEY: \$\{\{ secrets\.SYMBOLON_KEY \}\}/);
  // Installed from the tarball, since nothing is published; all else is the step's own shell.
  const shell = step.slice(step.indexOf("run: |") + 6).replace(/^ {4}/gm, "").replace("--no-save symbolon", `--no-save --offline ${await tarball()}`);
  const register = `
    import { exportKey, generateKeyPair, signChallenge } from "symbolon";
    const [url, secret] = process.argv.slice(-2);
    const post = async (path, body) => (await fetch(url + path, { method: "POST", headers: { "content-type": "application/json", authorization: "Bearer " + secret }, body: JSON.stringify(body) })).json();
    const pair = await generateKeyPair({ extractable: true });
    const { challenge } = await post("/v1/keys/challenge", {});
    await post("/v1/tokens", { kind: "key", name: "pipeline", permissions: ["api:read"], public_key: await exportKey(pair.publicKey, "hex"), proof: await signChallenge(pair, challenge) });
    console.log(await exportKey(pair, "hex"));`;
  const key = (await run("node", ["--input-type=module", "--eval", register, "--", url, secret], { cwd: folder })).trim();
  match(key, /^[0-9a-f]{64}$/);
  // GitHub runs the shell of a step with these options.
  const step_ = (given) => run("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", shell], { cwd: folder, env: { SYMBOLON_URL: url, SYMBOLON_KEY: given } });
  match(await step_(key), /^pipeline$/m);
  const unknown = "1".repeat(64);
  const failed = await step_(unknown).then(() => "", (error) => error.message);
  match(failed, /401/);
  ok(!failed.includes(unknown), "the key is not in what the pipeline prints");
});

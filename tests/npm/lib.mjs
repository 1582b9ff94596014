// What these suites share: programs that are run to their end, projects that install the packed package, and the Worker.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { folderOf, start, worker } from "../../xtask/js/instance.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");
const TOOLS = join(ROOT, ".tools/npm-suite");

/** Runs a program to its end: its standard output; what it wrote to standard error is in the error when it fails. */
export function run(program, args, { cwd = ROOT, env = {}, input } = {}) {
  return new Promise((resolve, reject) => {
    const path = `${BIN}:${process.env.PATH}`;
    const quiet = { WRANGLER_SEND_METRICS: "false", NO_UPDATE_NOTIFIER: "1", CI: "true", DENO_NO_UPDATE_CHECK: "1" };
    const child = spawn(program, args, { cwd, env: { ...process.env, PATH: path, ...quiet, ...env } });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => { out += data; });
    child.stderr.on("data", (data) => { err += data; });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${program} ${args.join(" ")}: ${code}\n${out}\n${err}`))));
    child.stdin.end(input ?? "");
  });
}

let packed;

/** The tarball that would be published. */
export function tarball() {
  packed ??= (async () => {
    mkdirSync(TOOLS, { recursive: true });
    const out = await run("npm", ["pack", "--json", "--pack-destination", TOOLS], { cwd: join(ROOT, "dist/npm") });
    const report = JSON.parse(out);
    const [one] = Array.isArray(report) ? report : Object.values(report);
    return join(TOOLS, one.filename);
  })();
  return packed;
}

/** A fresh project with these files, into which the tarball is installed and nothing else. */
export async function project(t, files) {
  const file = await tarball();
  const folder = mkdtempSync(join(TOOLS, "project-"));
  t.after(() => import("node:fs").then(({ rmSync }) => rmSync(folder, { recursive: true, force: true })));
  const all = { "package.json": '{ "name": "consumer", "private": true, "type": "module" }', ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", file], { cwd: folder });
  if (!existsSync(join(folder, "node_modules/symbolon/lib/index.js"))) throw new Error("the package was not installed");
  return folder;
}

/** Symbolon in workerd, set up: `{url, secret, organization, owner}`, the last being the name of the token. It ends with the test. */
export async function symbolon(t) {
  const code = "0123456789abcdef0123456789abcdef";
  const bindings = { SETUP_CODE: code, INSTANCE_SECRET: "an instance secret for tests, of 32 bytes and more" };
  const serviceBindings = { TEST_CLOCK: async () => new Response('{"offset":0}') };
  const instance = await start({ workers: [worker({ folder: folderOf("worker-test"), bindings, serviceBindings })] });
  t.after(() => instance.dispose());
  const url = String(await instance.unsafeGetDirectURL("symbolon")).replace(/\/$/, "");
  const body = { setup_code: code, organization: { slug: "acme", name: "Acme", profile: "symbolon" }, owner: { name: "Ada", email: "ada@example.com" } };
  const answer = await fetch(`${url}/v1/setup`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(await answer.text());
  const { secret, organization, token } = await answer.json();
  return { url, secret, organization, owner: token.name };
}

/**
 * What each consumer does, as a module that exports `sign(url, secret)`: it makes a key, registers it, and signs two
 * requests, with a body and without.
 */
export const CONSUMER = `
import { exportKey, generateKeyPair, signChallenge, signedFetch } from "symbolon";

export async function sign(url, secret) {
  const json = { "content-type": "application/json", authorization: "Bearer " + secret };
  const post = (path, body) => fetch(url + path, { method: "POST", headers: json, body: JSON.stringify(body) });
  const pair = await generateKeyPair();
  const { challenge } = await (await post("/v1/keys/challenge", {})).json();
  const registered = await post("/v1/tokens", {
    kind: "pat", name: "consumer " + Math.random(), scopes: ["read", "manage"],
    public_key: await exportKey(pair.publicKey, "hex"),
    proof: await signChallenge(pair, challenge),
  });
  if (registered.status !== 201) return "not registered: " + (await registered.text());
  const call = signedFetch(pair);
  const who = await call(url + "/v1/whoami?from=a%20consumer");
  if (who.status !== 200) return "GET: " + (await who.text());
  const made = await call(url + "/v1/tokens", {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ kind: "pat", name: "made " + Math.random(), scopes: ["read"] }),
  });
  return made.status === 201 ? "accepted" : "POST: " + (await made.text());
}
`;

/** A Worker from its modules `{name: contents}`; its address. It ends with the test. */
export async function workerOf(t, modules) {
  const instance = await start({
    workers: [{
      name: "consumer",
      modulesRoot: "/",
      modules: Object.entries(modules).map(([path, contents]) => ({ type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: `/${path}`, contents })),
      compatibilityDate: "2026-10-01",
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    }],
  });
  t.after(() => instance.dispose());
  return await instance.unsafeGetDirectURL("consumer");
}

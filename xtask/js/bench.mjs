// Requests per second of several Workers in one workerd, measured in turns: whatever slows the machine down for a while
// slows all of them. `cargo xtask bench throughput` starts it with its settings as JSON.
import { spawn } from "node:child_process";
import { randomBytes, webcrypto } from "node:crypto";
import { once } from "node:events";
import { start, worker } from "./instance.mjs";

const settings = JSON.parse(process.argv[2]);
const gateway = "api.localhost";
const setupCode = randomBytes(16).toString("hex");
const connections = 16;

const keyPair = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const ecdsa = { name: "ECDSA", hash: "SHA-256" };
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

/** A Worker in JavaScript alone. */
function script(name, code, others = {}) {
  return {
    name,
    modules: [{ type: "ESModule", path: `${name}.mjs`, contents: code }],
    compatibilityDate: worker({ folder: "." }).compatibilityDate,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    ...others,
  };
}

/** What one bare check of a signature costs, with its key imported once. */
async function subtleWorker() {
  const data = randomBytes(200);
  const signature = await webcrypto.subtle.sign(ecdsa, keyPair.privateKey, data);
  const key = await webcrypto.subtle.exportKey("raw", keyPair.publicKey);
  return script(
    "subtle",
    `const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
     const [key, signature, data] = [bytes("${base64(key)}"), bytes("${base64(signature)}"), bytes("${base64(data)}")];
     const ecdsa = { name: "ECDSA", hash: "SHA-256" };
     let imported;
     export default { async fetch() {
       imported ??= await crypto.subtle.importKey("raw", key, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
       const valid = await crypto.subtle.verify(ecdsa, imported, signature, data);
       return new Response("ok\\n", { status: valid ? 200 : 500 });
     } };`,
  );
}

const empty = `export default { fetch() { return new Response("ok\\n"); } };`;
const passOn = `export default { fetch(request, env) { return env.ORIGIN.fetch(request); } };`;
const origin = { serviceBindings: { ORIGIN: "empty-js" } };

const instance = await start({
  workers: [
    script("empty-js", empty),
    script("pass-on", passOn, origin),
    await subtleWorker(),
    worker({ folder: settings.emptyRust, name: "empty-rust", durableObjects: {}, kvNamespaces: {} }),
    worker({
      folder: settings.worker,
      bindings: { SETUP_CODE: setupCode, INSTANCE_SECRET: base64url(randomBytes(32)), GATEWAY_HOSTS: gateway },
      ...origin,
    }),
  ],
});

async function call(token, method, path, body) {
  const url = new URL(path, await instance.unsafeGetDirectURL("symbolon"));
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

/** An organisation with a route, a bearer token and a registered key; gives the headers of each kind of request. */
async function prepare() {
  const setup = await call(undefined, "POST", "/v1/setup", {
    setup_code: setupCode,
    organization: { slug: "bench", name: "Bench", profile: "symbolon" },
    owner: { name: "Bench", email: "bench@bench.example" },
  });
  const admin = setup.secret;
  await call(admin, "PUT", "/v1/routes", { routes: [{ method: "GET", path: "/{*rest}", permission: "api:read" }] });
  const wanted = { kind: "key", permissions: ["api:read"] };
  const bearer = await call(admin, "POST", "/v1/tokens", { ...wanted, name: "bearer" });
  const { challenge } = await call(admin, "POST", "/v1/keys/challenge", {});
  const proof = await webcrypto.subtle.sign(ecdsa, keyPair.privateKey, Buffer.from(challenge));
  const spki = base64(await webcrypto.subtle.exportKey("spki", keyPair.publicKey)).replace(/.{64}(?=.)/g, "$&\n");
  const signed = await call(admin, "POST", "/v1/tokens", {
    ...wanted,
    name: "signed",
    public_key: `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`,
    proof: base64url(proof),
  });
  const keyid = `${setup.organization.short_id}.${signed.token.fingerprint}`;
  return {
    bearer: async () => [`Authorization: Bearer ${bearer.secret}`],
    signed: () => signature(keyid),
  };
}

/** The fields of a request that is signed as our own signers do it; one turn sends it many times inside its window. */
async function signature(keyid) {
  const now = Math.floor(Date.now() / 1000);
  const nonce = base64url(randomBytes(16));
  const parameters =
    `("@method" "@authority" "@path" "@query");created=${now};expires=${now + 60};nonce="${nonce}"` +
    `;tag="symbolon";keyid="${keyid}"`;
  const base =
    `"@method": GET\n"@authority": ${gateway}\n"@path": /bench\n"@query": ?\n"@signature-params": ${parameters}`;
  const value = base64(await webcrypto.subtle.sign(ecdsa, keyPair.privateKey, Buffer.from(base)));
  return [`Signature-Input: sig=${parameters}`, `Signature: sig=:${value}:`];
}

/** One turn: requests per second. */
async function turn(name, headers) {
  const url = new URL("/bench", await instance.unsafeGetDirectURL(name));
  const words = ["-t1", `-c${connections}`, `-d${settings.seconds}s`];
  for (const header of [`Host: ${gateway}`, ...headers]) words.push("-H", header);
  const wrk = spawn("wrk", [...words, url.href], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  wrk.stdout.on("data", (text) => (output += text));
  const [code] = await once(wrk, "close");
  const rate = /^Requests\/sec:\s*([\d.]+)$/m.exec(output);
  if (code !== 0 || rate === null || /Non-2xx|Socket errors/.test(output)) {
    throw new Error(`${name} did not answer every request well:\n${output}`);
  }
  return Number(rate[1]);
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

try {
  const { bearer, signed } = await prepare();
  const none = async () => [];
  const rows = [
    { label: "empty Worker, JavaScript", name: "empty-js", headers: none },
    { label: "empty Worker, Rust", name: "empty-rust", headers: none },
    { label: "one crypto.subtle.verify", name: "subtle", headers: none },
    { label: "passed on unverified", name: "pass-on", headers: none },
    { label: "gateway, bearer", name: "symbolon", headers: bearer },
    { label: "gateway, signed", name: "symbolon", headers: signed },
  ];
  for (const row of rows) row.rates = [];
  // One turn of each that does not count: code is compiled and keys are imported by then.
  for (const row of rows) await turn(row.name, await row.headers());
  for (let round = 0; round < settings.rounds; round++) {
    console.error(`xtask: round ${round + 1} of ${settings.rounds}`);
    for (const row of rows) row.rates.push(await turn(row.name, await row.headers()));
  }
  const [first, , , passed] = rows.map((row) => median(row.rates));
  console.log(`throughput (requests/s, ${connections} connections, median of ${settings.rounds} turns of ${settings.seconds} s)`);
  console.log(`  ${"".padEnd(26)}${"median".padStart(8)}${"least".padStart(8)}${"most".padStart(8)}   to empty  to passed on`);
  for (const { label, rates } of rows) {
    const middle = median(rates);
    const numbers = [middle, Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(0).padStart(8)).join("");
    console.log(`  ${label.padEnd(26)}${numbers}${(middle / first).toFixed(2).padStart(11)}${(middle / passed).toFixed(2).padStart(14)}`);
  }
} finally {
  await instance.dispose();
}

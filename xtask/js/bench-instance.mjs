// What the benchmarks share: Workers to compare with, an organisation that is set up, and turns of load.
import { spawn } from "node:child_process";
import { randomBytes, webcrypto } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { worker } from "./instance.mjs";

export const GATEWAY = "api.localhost";
export const CONNECTIONS = 16;
export const base64 = (bytes) => Buffer.from(bytes).toString("base64");
export const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

const ECDSA = { name: "ECDSA", hash: "SHA-256" };
const secrets = {
  SETUP_CODE: randomBytes(16).toString("hex"),
  INSTANCE_SECRET: base64url(randomBytes(32)),
  PROXY_SECRET: `nginx:${base64url(randomBytes(32))}`,
};
/** The settings of a Worker of Symbolon. */
export const bindings = { ...secrets, GATEWAY_HOSTS: GATEWAY };

/** The key with which requests are signed. */
export const keyPair = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const jwk = await webcrypto.subtle.exportKey("jwk", keyPair.publicKey);

export async function sign(bytes) {
  return webcrypto.subtle.sign(ECDSA, keyPair.privateKey, bytes);
}

/** A Worker in JavaScript alone. */
export function script(name, contents, others = {}) {
  return {
    name,
    modules: [{ type: "ESModule", path: `${name}.mjs`, contents }],
    compatibilityDate: worker({ folder: "." }).compatibilityDate,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    ...others,
  };
}

/** A management call, which must succeed. */
export async function call(address, token, method, path, body) {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(new URL(path, address), { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

/** The default profile, whose `ci` tokens are `eventual`, and in which a benchmark is not too quick. */
function profile() {
  const file = fileURLToPath(new URL("../../profiles/symbolon.toml", import.meta.url));
  const text = readFileSync(file, "utf8").replace("[kinds.ci]\n", '[kinds.ci]\nfreshness = "eventual"\n');
  if (!text.includes("eventual")) throw new Error("the default profile has no kind ci");
  return `${text}\n[limits]\ncreation = { max = 10000, seconds = 1 }\n`;
}

/** An organisation with routes, bearer tokens and a registered key. */
export async function prepare(address) {
  const setup = await call(address, undefined, "POST", "/v1/setup", {
    setup_code: secrets.SETUP_CODE,
    organization: { slug: "bench", name: "Bench", profile: profile() },
    owner: { name: "Bench", email: "bench@bench.example" },
  });
  const admin = setup.secret;
  await call(address, admin, "PUT", "/v1/routes", {
    routes: [
      { method: "GET", path: "/strict", permission: "api:read", freshness: "strict" },
      { method: "GET", path: "/bench", permission: "api:read" },
    ],
  });
  const wanted = { kind: "key", permissions: ["api:read"] };
  const bearer = await call(address, admin, "POST", "/v1/tokens", { ...wanted, name: "bearer" });
  const eventual = await call(address, admin, "POST", "/v1/tokens", { kind: "ci", name: "eventual", scopes: ["read"] });
  const { challenge } = await call(address, admin, "POST", "/v1/keys/challenge", {});
  const signed = await call(address, admin, "POST", "/v1/tokens", {
    ...wanted,
    name: "signed",
    public_key: Buffer.concat([Buffer.from(jwk.x, "base64url"), Buffer.from(jwk.y, "base64url")]).toString("hex"),
    proof: { challenge, signature: base64(await sign(Buffer.from(challenge))) },
  });
  return { admin, bearer: bearer.secret, eventual: eventual.secret, thumbprint: signed.token.fingerprint, setup, signed };
}

/** The fields of a request that is signed as our own signers do it; one turn sends it many times inside its window. */
export async function signature(keyid, path) {
  const now = Math.floor(Date.now() / 1000);
  const nonce = base64url(randomBytes(16));
  const parameters =
    `("@method" "@authority" "@path" "@query");created=${now};expires=${now + 60};nonce="${nonce}"` +
    `;tag="symbolon";keyid="${keyid}"`;
  const base = `"@method": GET\n"@authority": ${GATEWAY}\n"@path": ${path}\n"@query": ?\n"@signature-params": ${parameters}`;
  const value = base64(await sign(Buffer.from(base)));
  return [`Signature-Input: sig=${parameters}`, `Signature: sig=:${value}:`];
}

/** What a proxy such as nginx sends to ask about a request. */
export function asProxy(path) {
  return [
    `X-Symbolon-Proxy-Secret: ${secrets.PROXY_SECRET}`,
    "X-Original-Method: GET",
    `X-Original-URL: http://${GATEWAY}${path}`,
  ];
}

/** The CPU time that workerd, which this process started, has used, in microseconds; undefined where nobody says. */
export function cpuMicros() {
  try {
    let ticks = 0;
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/u.test(pid)) continue;
      let stat;
      try {
        stat = readFileSync(join("/proc", pid, "stat"), "utf8");
      } catch {
        continue; // It has just ended.
      }
      const [, name, rest] = /^\d+ \((.*)\) (.*)$/su.exec(stat);
      const fields = rest.split(" ");
      if (name === "workerd" && Number(fields[1]) === process.pid) ticks += Number(fields[11]) + Number(fields[12]);
    }
    // The kernel counts for user space in hundredths of a second.
    return ticks === 0 ? undefined : ticks * 10_000;
  } catch {
    return undefined;
  }
}

/** One turn of load on a URL: `{requests, rate, cpu}`, cpu in microseconds a request. */
export async function turn(url, headers, seconds, connections = CONNECTIONS) {
  // A machine that is busy may take its time; what counts is that every answer is good.
  const words = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "30s"];
  for (const header of headers) words.push("-H", header);
  const before = cpuMicros();
  const wrk = spawn("wrk", [...words, url.href], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  wrk.stdout.on("data", (text) => (output += text));
  const [code] = await once(wrk, "close");
  const after = cpuMicros();
  const rate = /^Requests\/sec:\s*([\d.]+)$/mu.exec(output);
  const total = /^\s*(\d+) requests in/mu.exec(output);
  if (code !== 0 || rate === null || total === null || /Non-2xx|Socket errors/u.test(output)) {
    throw new Error(`${url} did not answer every request well:\n${output}`);
  }
  const requests = Number(total[1]);
  const cpu = before === undefined || after === undefined ? undefined : (after - before) / requests;
  return { requests, rate: Number(rate[1]), cpu };
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

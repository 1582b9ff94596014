// Requests per second of several Workers in one workerd, and the CPU time of each request, measured in turns: whatever
// slows the machine down for a while slows all of them. CPU time is that of workerd alone, and hardly changes when other
// programs compete for the machine. What a Worker is compared with, it is compared with twice: asked as shortly as can
// be, and asked the same question, whose fields the runtime has to read whoever answers. `cargo xtask bench throughput` starts it with its settings as JSON.
import { randomBytes, webcrypto } from "node:crypto";
import {
  CONNECTIONS, GATEWAY, asProxy, base64, bindings, keyPair, median, prepare, script, sign, signature, turn,
} from "./bench-instance.mjs";
import { start, worker } from "./instance.mjs";

const settings = JSON.parse(process.argv[2]);

/** What one bare check of a signature costs, with its key imported once. */
async function subtleWorker() {
  const data = randomBytes(200);
  const signed = await sign(data);
  const key = await webcrypto.subtle.exportKey("raw", keyPair.publicKey);
  return script(
    "subtle",
    `const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
     const [key, signature, data] = [bytes("${base64(key)}"), bytes("${base64(signed)}"), bytes("${base64(data)}")];
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
    worker({ folder: settings.worker, bindings, ...origin }),
  ],
});

const address = (name) => instance.unsafeGetDirectURL(name);

try {
  const { bearer, eventual, thumbprint, setup } = await prepare(await address("symbolon"));
  const keyid = `${setup.organization.short_id}.${thumbprint}`;
  const authorized = (secret) => `Authorization: Bearer ${secret}`;
  const asked = "/v1/forward-auth/nginx";
  const asks = (...credential) => [...asProxy("/bench"), ...credential];
  const none = { path: "/bench", headers: () => [] };
  const rows = [
    { label: "empty Worker, JavaScript", name: "empty-js", ...none },
    { label: "empty Worker, Rust", name: "empty-rust", ...none },
    { label: "one crypto.subtle.verify", name: "subtle", ...none },
    { label: "empty, asked by a proxy", name: "empty-js", path: asked, headers: () => asks(authorized(bearer)) },
    { label: "verify, asked by a proxy", name: "subtle", path: asked, headers: async () => asks(...(await signature(keyid, "/bench"))) },
    { label: "forward-auth, immediate", name: "symbolon", path: asked, headers: () => asks(authorized(bearer)) },
    { label: "forward-auth, eventual", name: "symbolon", path: asked, headers: () => asks(authorized(eventual)) },
    { label: "forward-auth, strict", name: "symbolon", path: asked, headers: () => [...asProxy("/strict"), authorized(bearer)] },
    { label: "forward-auth, signed", name: "symbolon", path: asked, headers: async () => asks(...(await signature(keyid, "/bench"))) },
    { label: "passed on unverified", name: "pass-on", ...none },
    { label: "gateway, immediate", name: "symbolon", path: "/bench", gateway: true, headers: () => [authorized(bearer)] },
    { label: "gateway, signed", name: "symbolon", path: "/bench", gateway: true, headers: () => signature(keyid, "/bench") },
  ];
  const once = async (row) => {
    const headers = await row.headers();
    if (row.gateway) headers.push(`Host: ${GATEWAY}`);
    return turn(new URL(row.path, await address(row.name)), headers, settings.seconds);
  };
  for (const row of rows) row.turns = [];
  // One turn of each that does not count: code is compiled and keys are imported by then.
  for (const row of rows) await once(row);
  for (let round = 0; round < settings.rounds; round += 1) {
    console.error(`xtask: round ${round + 1} of ${settings.rounds}`);
    for (const row of rows) row.turns.push(await once(row));
  }
  // Ratios are of turns of one round, so that what slows a round down cancels out.
  const ratio = (row, base, what) =>
    median(row.turns.map((turn, round) => (turn[what] ?? Number.NaN) / (base.turns[round][what] ?? Number.NaN))).toFixed(2);
  const [first, , subtle, alike, subtleAlike] = rows;
  const passed = rows.find(({ name }) => name === "pass-on");
  console.log(`throughput (requests/s and CPU µs a request, ${CONNECTIONS} connections, median of ${settings.rounds} turns of ${settings.seconds} s)`);
  console.log(`  ${"".padEnd(26)}${"median".padStart(8)}${"least".padStart(8)}${"most".padStart(8)}${"CPU".padStart(7)}   requests/s to empty, asked alike, to passed on   CPU to empty, to verify, asked alike`);
  for (const row of rows) {
    const rates = row.turns.map(({ rate }) => rate);
    const numbers = [median(rates), Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(0).padStart(8)).join("");
    const cpu = median(row.turns.map((turn) => turn.cpu ?? Number.NaN)).toFixed(0).padStart(7);
    const [a, b, c] = [first, alike, passed].map((base) => ratio(row, base, "rate"));
    const [d, e, f] = [first, subtle, subtleAlike].map((base) => ratio(row, base, "cpu"));
    const ratios = [a.padStart(23), b.padStart(13), c.padStart(14), d.padStart(15), e.padStart(11), f.padStart(13)].join("");
    console.log(`  ${row.label.padEnd(26)}${numbers}${cpu}${ratios}`);
  }
} finally {
  await instance.dispose();
}

// What leases save and what they cost, in one run: requests per second under each freshness beside Workers that do
// nothing, questions to the authority for 1,000 verifications, and how long a revocation takes. `cargo xtask bench
// leases` starts it with its settings as JSON.
import { CONNECTIONS, asProxy, bindings, call, median, prepare, script, turn } from "./bench-instance.mjs";
import { start, worker } from "./instance.mjs";

const settings = JSON.parse(process.argv[2]);
const EDGES = 4;
/** How many revocations are timed by themselves, and how many at once. */
const SINGLE = 10;
const TOGETHER = 200;

/** Stands between edges and their objects, and counts what is asked. */
const COUNTER = `
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
const calls = { organization: 0, instance: 0, directory: 0 };
class Stub extends RpcTarget {
  #name; #real;
  constructor(name, real) { super(); this.#name = name; this.#real = real; }
  ask(json) { calls[this.#name] += 1; return this.#real.ask(json); }
}
export class Organization extends WorkerEntrypoint {
  getByName(name) { return new Stub("organization", this.env.ORGANIZATION.getByName(name)); }
}
export class Instance extends WorkerEntrypoint {
  getByName(name) { return new Stub("instance", this.env.INSTANCE.getByName(name)); }
}
export class Directory extends WorkerEntrypoint {
  get(key) { calls.directory += 1; return this.env.DIRECTORY.get(key, "text"); }
}
export default { fetch: () => Response.json(calls) };`;

const { durableObjects } = worker({ folder: settings.worker, objectsOf: "symbolon", name: "edge" });
const { ORGANIZATION, INSTANCE, ...others } = durableObjects;
const instance = await start({
  // The counter's stubs are left to the garbage collector, as those of objects are; only of the counter's workerd complains.
  handleStructuredLogs: ({ message }) => {
    if (!message.includes("RPC stub was not disposed")) console.error(message);
  },
  workers: [
    worker({ folder: settings.worker, bindings }),
    script("empty-js", 'export default { fetch() { return new Response("ok\\n"); } };'),
    worker({ folder: settings.emptyRust, name: "empty-rust", durableObjects: {}, kvNamespaces: {} }),
    script("counter", COUNTER, { kvNamespaces: { DIRECTORY: "directory" }, durableObjects: { ORGANIZATION, INSTANCE } }),
    ...Array.from({ length: EDGES }, (_, index) =>
      worker({
        folder: settings.worker,
        bindings,
        name: `edge-${index}`,
        kvNamespaces: {},
        durableObjects: others,
        serviceBindings: {
          ORGANIZATION: { name: "counter", entrypoint: "Organization" },
          INSTANCE: { name: "counter", entrypoint: "Instance" },
          DIRECTORY: { name: "counter", entrypoint: "Directory" },
          ORIGIN: "counter",
        },
      }),
    ),
  ],
});

const address = (name) => instance.unsafeGetDirectURL(name);
const counted = async () => (await fetch(await address("counter"))).json();
const edges = Array.from({ length: EDGES }, (_, index) => `edge-${index}`);

/** Load on all edges at once; how many verifications it was. */
async function load(headers, connections) {
  const asked = "/v1/forward-auth/nginx";
  const turns = edges.map(async (name) => turn(new URL(asked, await address(name)), headers, settings.seconds, connections));
  return (await Promise.all(turns)).reduce((sum, { requests }) => sum + requests, 0);
}

async function millis(work) {
  const begun = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - begun) / 1e6;
}

try {
  const main = await address("symbolon");
  const { admin, bearer, eventual } = await prepare(main);
  const authorized = (secret) => `Authorization: Bearer ${secret}`;
  const modes = [
    { label: "immediate", headers: [...asProxy("/bench"), authorized(bearer)] },
    { label: "eventual", headers: [...asProxy("/bench"), authorized(eventual)] },
    { label: "strict", headers: [...asProxy("/strict"), authorized(bearer)] },
  ];

  // In turns, on one Worker whose objects nothing stands before: whatever slows the machine down slows all of them.
  const rows = [
    { label: "empty Worker, JavaScript", name: "empty-js", path: "/", headers: [] },
    { label: "empty Worker, Rust", name: "empty-rust", path: "/", headers: [] },
    ...modes.map((mode) => ({ ...mode, name: "symbolon", path: "/v1/forward-auth/nginx" })),
  ].map((row) => ({ ...row, rates: [] }));
  const once = async ({ name, path, headers }) => (await turn(new URL(path, await address(name)), headers, settings.seconds)).rate;
  for (const row of rows) await once(row);
  for (let round = 0; round < settings.rounds; round += 1) {
    console.error(`xtask: round ${round + 1} of ${settings.rounds}`);
    for (const row of rows) row.rates.push(await once(row));
  }
  console.log(`throughput (${CONNECTIONS} connections, median of ${settings.rounds} turns of ${settings.seconds} s)`);
  console.log(`  ${"".padEnd(26)}requests/s   to JavaScript   to Rust`);
  const [javascript, rust] = rows;
  for (const { label, rates } of rows) {
    const to = (base) => median(rates.map((rate, round) => rate / base.rates[round])).toFixed(2);
    console.log(`  ${label.padEnd(26)}${median(rates).toFixed(0).padStart(10)}${to(javascript).padStart(16)}${to(rust).padStart(10)}`);
  }

  console.log(`leases (${EDGES} edges, turns of ${settings.seconds} s)`);
  console.log(`  questions for 1,000 verifications: ${"authority".padStart(14)}${"route table".padStart(14)}${"directory".padStart(12)}${"verifications".padStart(16)}`);
  for (const { label, headers } of modes) {
    await load(headers);
    const before = await counted();
    const verifications = await load(headers);
    const after = await counted();
    const part = (name) => (((after[name] - before[name]) * 1000) / verifications).toFixed(2);
    console.log(
      `  ${label.padEnd(35)}${part("organization").padStart(14)}${part("instance").padStart(14)}${part("directory").padStart(12)}${String(verifications).padStart(16)}`,
    );
  }

  const create = () => call(main, admin, "POST", "/v1/tokens", { kind: "key", name: "to be revoked", permissions: ["api:read"] });
  const revoke = ({ token }) => millis(() => call(main, admin, "DELETE", `/v1/tokens/${token.id}`));
  const say = (what, times) => {
    const sorted = times.toSorted((a, b) => a - b);
    const late = sorted[Math.ceil(sorted.length * 0.99) - 1];
    console.log(`  ${what.padEnd(52)}p50 ${median(sorted).toFixed(0)} ms, p99 ${late.toFixed(0)} ms, most ${sorted.at(-1).toFixed(0)} ms, of ${times.length}`);
  };
  // The load above has made leases longer. The authority knows that they have run out after twice their wait; from then
  // on there is the lease alone that whoever revokes takes for their own token.
  const quiet = [];
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  for (let index = 0; index < SINGLE; index += 1) quiet.push(await revoke(await create()));
  say("revoke, nobody else asks", quiet);

  let loaded = true;
  const beside = (async () => {
    // Not so much that all of workerd's one thread is taken.
    while (loaded) await load(modes[0].headers, 1);
  })();
  const single = [];
  for (let index = 0; index < SINGLE; index += 1) single.push(await revoke(await create()));
  say("revoke, under load on every edge", single);
  const tokens = await Promise.all(Array.from({ length: TOGETHER }, create));
  say(`revoke, ${TOGETHER} at once, under load`, await Promise.all(tokens.map(revoke)));
  loaded = false;
  await beside;
} finally {
  await instance.dispose();
}

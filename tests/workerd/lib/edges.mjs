// Symbolon as it is deployed, in one workerd: an authority's Worker, edges that share its Durable Objects and see a
// directory that is never up to date, an origin, and load on all edges from another process.
import { fork } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strict as assert } from "node:assert";
import { folderOf, start, worker } from "../../../xtask/js/instance.mjs";
import { send } from "./http.mjs";
import { GATEWAY, HOST, INSTANCE_SECRET, SETUP_CODE, until } from "./product.mjs";

const FIELDS = 5;

/** Answers whatever passes the gate. */
const ORIGIN = `export default { fetch: () => new Response("origin") };`;

/**
 * A directory that answers for ever what it answered first, a miss included. It has no clock and no mercy: staleness has
 * no bound. Asked over HTTP, it says how often it was wrong.
 */
const STALE = `
import { WorkerEntrypoint } from "cloudflare:workers";
const first = new Map();
const wrong = { values: 0, misses: 0 };
export class Directory extends WorkerEntrypoint {
  async get(key) {
    const real = await this.env.REAL.get(key, "text");
    if (!first.has(key)) first.set(key, real);
    const old = first.get(key);
    if (old !== real) wrong[old === null ? "misses" : "values"] += 1;
    return old;
  }
}
export default { fetch: () => Response.json(wrong) };`;

/**
 * What a control run changes in the built Worker, each at the one place where it stands: leases are ten times as long,
 * uses are handed over as seldom (those questions would tell edges of changes, too), and the authority waits for none of
 * it: its timers run down at once.
 */
const CONTROL = [
  [/\?\.resolve\(effect\.json\)/gu, '?.resolve(effect.json.replace(/"lease_millis":2000/u, \'"lease_millis":20000\'))'],
  [/(case\s*"sleep":\s*(?:return )?await new Promise\(\(?resolve\)?\s*=>\s*)setTimeout\(resolve,\s*effect\.millis\)/gu, "$1setTimeout(resolve, 20000)"],
  [/(case\s*"timer":\s*await new Promise\(\(?resolve\)?\s*=>\s*)setTimeout\(resolve,\s*effect\.millis\)/gu, "$1resolve()"],
];

function replaced(script, [pattern, text]) {
  assert.equal([...script.matchAll(pattern)].length, 1, `the one place of ${pattern}`);
  return script.replace(pattern, text);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The processes of this name that this one started. */
function children(name) {
  return readdirSync("/proc").filter((pid) => {
    try {
      const [, comm, parent] = /^\d+ \((.*)\) \S (\d+) /su.exec(readFileSync(`/proc/${pid}/stat`, "utf8"));
      return comm === name && Number(parent) === process.pid;
    } catch {
      return false;
    }
  });
}

export class Edges {
  #instance;
  #ports;
  #patience;
  #load;
  #asked = 0;
  #credentials = 0;
  /** How often the directory was wrong, by "values" and "misses". */
  wrong = { values: 0, misses: 0 };

  /** - `edges`: how many; `patience`: false for a control run, in which the authority waits too briefly. */
  constructor({ edges, patience = true }) {
    this.count = edges;
    this.#patience = patience;
  }

  async start() {
    this.data ??= await mkdtemp(join(tmpdir(), "symbolon-"));
    this.#ports ??= await Promise.all(Array.from({ length: this.count + 2 }, freePort));
    const [authority, stale, ...edges] = this.#ports;
    const folder = folderOf("worker");
    const bindings = { SETUP_CODE, INSTANCE_SECRET, GATEWAY_HOSTS: GATEWAY, CLIENT_ADDRESS_HEADER: "cf-connecting-ip" };
    const script = (name, contents, others) => ({
      name,
      modules: [{ type: "ESModule", path: `${name}.mjs`, contents }],
      compatibilityDate: worker({ folder }).compatibilityDate,
      ...others,
    });
    const built = await readFile(join(folder, "index.js"), "utf8");
    const contents = this.#patience ? built : CONTROL.reduce(replaced, built);
    const symbolon = (options) => {
      const described = worker({ folder, bindings, ...options });
      described.modules[0] = { ...described.modules[0], contents };
      return described;
    };
    this.#instance = await start({
      data: this.data,
      handleStructuredLogs: () => {},
      workers: [
        symbolon({ port: authority }),
        script("origin", ORIGIN),
        script("stale", STALE, {
          kvNamespaces: { REAL: "directory" },
          unsafeDirectSockets: [{ host: "127.0.0.1", port: stale }],
        }),
        ...edges.map((port, index) =>
          symbolon({
            port,
            name: `edge-${index}`,
            objectsOf: "symbolon",
            kvNamespaces: {},
            serviceBindings: { DIRECTORY: { name: "stale", entrypoint: "Directory" }, ORIGIN: "origin" },
          }),
        ),
      ],
    });
  }

  /** Kills workerd as a failing machine would; Miniflare starts it again, over the same store and at the same ports. */
  async killAndStart() {
    await this.#countWrong();
    const killed = children("workerd");
    assert.ok(killed.length > 0, "workerd runs as a child of this process");
    for (const pid of killed) process.kill(Number(pid), "SIGKILL");
    await until("workerd is gone", () => !children("workerd").some((pid) => killed.includes(pid)));
    await until("workerd serves again", async () => {
      const response = await this.call("GET", "/healthz").catch(() => undefined);
      return response?.status === 200;
    });
  }

  async end() {
    this.#load?.kill();
    await this.#instance?.dispose();
    if (this.data !== undefined) await rm(this.data, { recursive: true, force: true });
  }

  async #countWrong() {
    const { json } = await send(`http://127.0.0.1:${this.#ports[1]}`, { method: "GET", path: "/", host: "stale" });
    for (const [kind, count] of Object.entries(json)) this.wrong[kind] += count;
  }

  /** A management call, through one edge or another. */
  async call(method, path, token, body, headers = {}) {
    const edges = this.#ports.slice(2);
    const port = edges[(this.#asked += 1) % edges.length];
    return send(`http://127.0.0.1:${port}`, {
      method,
      path,
      host: HOST,
      headers: { ...(token && { authorization: `Bearer ${token}` }), "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  /** The same; it must succeed. */
  async must(...call) {
    const response = await this.call(...call);
    assert.ok(response.status < 300, `${call[0]} ${call[1]}: ${response.status} ${response.text}`);
    return response.json;
  }

  /** Asks each edge for a path of the protected side; the statuses. */
  async askAll(path, headers) {
    const one = (port) => send(`http://127.0.0.1:${port}`, { method: "GET", path, host: GATEWAY, headers });
    return (await Promise.all(this.#ports.slice(2).map(one))).map(({ status }) => status);
  }

  /** Starts the load, on nothing yet. */
  startLoad() {
    this.#load = fork(new URL("load.mjs", import.meta.url), [JSON.stringify(this.#ports.slice(2))]);
  }

  /** Further credentials for the load: `{path, headers}` each; their numbers. */
  credentials(list) {
    const first = this.#credentials;
    this.#credentials += list.length;
    this.#load.send({ credentials: list.map((one) => ({ host: GATEWAY, ...one })) });
    return list.map((_, index) => first + index);
  }

  /** What is to be sent from now on. */
  pool(numbers) {
    this.#load.send({ pool: numbers });
  }

  /** Waits until every edge has accepted, or refused, each of these in a request sent from now on. */
  async everywhere(outcome, numbers) {
    this.#asked += 1;
    const id = this.#asked;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not everywhere ${outcome}`)), 120_000);
      const listen = (message) => {
        if (message.id !== id) return;
        clearTimeout(timer);
        this.#load.off("message", listen);
        resolve();
      };
      this.#load.on("message", listen);
      this.#load.send({ everywhere: outcome, id, of: numbers });
    });
  }

  /** Ends the load; what it saw: `{credential, edge, sent, answered, status}` each. */
  async endLoad() {
    await this.#countWrong();
    const file = join(this.data, "records");
    const ended = new Promise((resolve) => this.#load.once("exit", resolve));
    this.#load.send({ end: file });
    await ended;
    const bytes = await readFile(file);
    const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    return Array.from({ length: numbers.length / FIELDS }, (_, index) => {
      const [credential, edge, sent, answered, status] = numbers.subarray(index * FIELDS, (index + 1) * FIELDS);
      return { credential, edge, sent, answered, status };
    });
  }
}

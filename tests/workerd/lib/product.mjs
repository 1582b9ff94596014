// Symbolon in workerd, with a fresh store for each test, and the calls that most tests begin with.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strict as assert } from "node:assert";
import { folderOf, start, worker } from "../../../xtask/js/instance.mjs";
import { send } from "./http.mjs";

export const SETUP_CODE = "0123456789abcdef0123456789abcdef";
export const INSTANCE_SECRET = "an instance secret for tests, of 32 bytes and more";
/** Where management is served in tests, and where the gateway is. */
export const HOST = "tokens.example";
export const GATEWAY = "api.example";

/** A clock that a test sets: it runs on from an offset, or stands at a time. */
class Clock {
  #state = { offset: 0 };

  /** Milliseconds since 1970, as the Worker reads them. */
  now() {
    return this.#state.at ?? Date.now() + this.#state.offset;
  }

  /** Seconds since 1970, rounded down. */
  seconds() {
    return Math.floor(this.now() / 1000);
  }

  /** Lets the clock stand at this time, in seconds since 1970. */
  stand(seconds) {
    this.#state = { at: seconds * 1000 };
  }

  /** Moves the clock forward. */
  advance(seconds) {
    if (this.#state.at === undefined) this.#state = { offset: this.#state.offset + seconds * 1000 };
    else this.#state = { at: this.#state.at + seconds * 1000 };
  }

  answer() {
    return JSON.stringify(this.#state);
  }
}

/**
 * Starts the test build; it ends with the test.
 * - `data`: "folder" keeps the store in a folder, so that `restart` finds it again; else it lies in memory;
 * - `origin`: answers for the protected side, given a Request of the platform; every request is also noted in `seen`;
 * - `flavour`: another build than the one with test hooks;
 * - `bindings`: further plain values;
 * - `edges`: how many further Workers share the Durable Objects, each an edge of its own: `send({edge: 1})` asks the first.
 */
export async function launch(t, options = {}) {
  const product = new Product(options);
  t.after(() => product.end());
  if (options.data === "folder") product.data = await mkdtemp(join(tmpdir(), "symbolon-"));
  await product.start();
  return product;
}

export class Product {
  clock = new Clock();
  /** Requests that reached the origin. */
  seen = [];
  /** Lines that the Worker logged. */
  logged = [];
  #options;
  #instance;
  #address;
  #edges = [];

  constructor(options) {
    this.#options = options;
  }

  async start(changes = {}) {
    const { origin, flavour = "worker-test", bindings = {}, data = this.data, extra = {}, workers = [], edges = 0 } = { ...this.#options, ...changes };
    const serviceBindings = { TEST_CLOCK: async () => new Response(this.clock.answer()) };
    if (origin !== undefined) {
      serviceBindings.ORIGIN = async (request) => {
        const body = await request.text();
        this.seen.push({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body });
        return origin(request, body);
      };
    }
    const edge = (name) => worker({
      name,
      objectsOf: "symbolon",
      folder: folderOf(flavour),
      // A binding that is undefined is left out.
      bindings: Object.fromEntries(
        Object.entries({ SETUP_CODE, INSTANCE_SECRET, GATEWAY_HOSTS: GATEWAY, CLIENT_ADDRESS_HEADER: "cf-connecting-ip", ...bindings }).filter(([, value]) => value !== undefined),
      ),
      serviceBindings,
      ...extra,
    });
    const names = Array.from({ length: edges }, (_, index) => `edge${index + 1}`);
    this.#instance = await start({
      workers: [...["symbolon", ...names].map(edge), ...workers],
      data: this.data ?? (data === "folder" ? undefined : data),
      handleStructuredLogs: ({ message }) => this.logged.push(message),
    });
    this.#address = await this.#instance.unsafeGetDirectURL("symbolon");
    this.#edges = await Promise.all(names.map((name) => this.#instance.unsafeGetDirectURL(name)));
  }

  /** Kills workerd and starts it again over the same store; `meanwhile` is done while nothing runs. */
  async restart(changes, meanwhile) {
    assert.ok(this.data !== undefined, "only a store in a folder outlives workerd");
    await this.#instance.dispose();
    await meanwhile?.();
    await this.start(changes);
  }

  async end() {
    await this.#instance?.dispose();
    if (this.data !== undefined) await rm(this.data, { recursive: true, force: true });
  }

  /** The directory. */
  directory() {
    return this.#instance.getKVNamespace("DIRECTORY", "symbolon");
  }

  /** Where workerd listens, without a slash at the end. */
  url() {
    return new URL(this.#address).origin;
  }

  /** Sends a request: `{method?, path, host?, headers?, body?, token?, edge?}`; a body that is no text is sent as JSON. */
  async send({ method = "GET", path, host = HOST, headers = {}, body, token, edge = 0 }) {
    const all = { ...headers };
    if (token !== undefined) all.authorization = `Bearer ${token}`;
    let text = body;
    if (body !== undefined && typeof body !== "string") {
      text = JSON.stringify(body);
      all["content-type"] ??= "application/json";
    }
    return send([this.#address, ...this.#edges][edge], { method, path, host, headers: all, body: text });
  }

  /** Sets the instance up; what `POST /v1/setup` answers. */
  async setup(changes = {}) {
    const response = await this.send({ method: "POST", path: "/v1/setup", body: setupBody(changes) });
    assert.equal(response.status, 201, response.text);
    return response.json;
  }

  /** Creates a token; what `POST /v1/tokens` answers. */
  async create(token, body) {
    const response = await this.send({ method: "POST", path: "/v1/tokens", token, body });
    assert.equal(response.status, 201, response.text);
    return response.json;
  }

  /** Runs a test hook inside a Durable Object. */
  async inObject(objectClass, name, run) {
    return this.send({ path: `/__test/object?class=${objectClass}&name=${encodeURIComponent(name)}&run=${run}` });
  }
}

export function setupBody({ slug = "acme", setup_code = SETUP_CODE, profile = "symbolon", owner = {} } = {}) {
  return {
    setup_code,
    organization: { slug, name: `The ${slug} organization`, profile },
    owner: { name: "Ada", email: "ada@example.com", ...owner },
  };
}

/** Asserts that a response is this problem, with everything that comes with it. */
export function assertProblem(response, status, code) {
  assert.equal(response.status, status, response.text);
  assert.equal(response.headers["content-type"], "application/problem+json");
  assert.equal(response.json.code, code, response.text);
  assert.equal(response.json.status, status);
  assert.equal(response.json.type, `/problems/${code}`);
  if (status === 401) assert.match(response.headers["www-authenticate"], /^Bearer\b|, *Bearer\b/u);
  assertOurs(response);
}

/** Asserts the header of every answer of our own. */
export function assertOurs({ headers }) {
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["x-frame-options"], "DENY");
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.equal(headers["cache-control"], "no-store");
  assert.match(headers["content-security-policy"], /^default-src 'none'/u);
  assert.match(headers["strict-transport-security"], /^max-age=\d{8}/u);
}

/** Waits until `condition` gives something other than undefined, null or false; fails after half a minute. */
export async function until(what, condition) {
  const end = Date.now() + 30_000;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

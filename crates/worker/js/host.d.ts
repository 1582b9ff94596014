// What the build and the configuration give the host.
//
// The build bundles `index.js` with esbuild and
// - answers the import `symbolon-wasm` with a module whose `instantiate()` makes an instance with variables of its own:
//   the gate has one, every Durable Object has one, and a trap takes only its own with it;
// - lays `./symbolon.wasm` beside the bundle, so that the runtime compiles it once;
// - defines `TEST_HOOKS` (`--define:TEST_HOOKS=true`) as `true` together with the cargo feature `test-hooks`, and as
//   `false` otherwise.

declare module "symbolon-wasm" {
  /** A fresh instance: the exports of crates/worker. */
  export function instantiate(): any;
}

/** Whether this is a test build: its clock can be set, and it traps on demand. */
declare const TEST_HOOKS: boolean;

/** The bindings of wrangler.toml. */
interface Env {
  /** Durable Object namespaces, one class each. */
  readonly ORGANIZATION: DurableObjectNamespace<import("./object.js").AuthorityObject>;
  readonly INSTANCE: DurableObjectNamespace<import("./object.js").AuthorityObject>;
  readonly LOCATOR: DurableObjectNamespace<import("./object.js").AuthorityObject>;
  readonly REPLAY: DurableObjectNamespace<import("./object.js").AuthorityObject>;
  readonly LOGIN: DurableObjectNamespace<import("./object.js").AuthorityObject>;
  /** Workers KV: the directory. */
  readonly DIRECTORY: KVNamespace;
  /** Static assets of the management hosts; absent: there are none. */
  readonly ASSETS?: Fetcher;
  /** The protected side: a service binding, or its address as `https://host[:port]`. */
  readonly ORIGIN?: Fetcher | string;
  /** Host names, separated by commas, under which the protected side is served; all others are management's. */
  readonly GATEWAY_HOSTS?: string;
  /** Secret: at least 32 bytes; the four characters of a native credential's organisation are made with it. */
  readonly INSTANCE_SECRET: string;
  /** Secret: what `POST /v1/setup` asks for; absent: setup is refused. */
  readonly SETUP_CODE?: string;
  /** Secrets: by which proxies that ask `/v1/forward-auth` show themselves, such as `nginx:…`, separated by spaces; absent: those paths are off. */
  readonly PROXY_SECRET?: string;
  /** The provider at which people may sign in to the console (OpenID Connect), as it names itself; absent: none. */
  readonly OIDC_ISSUER?: string;
  /** The client's name with the provider. */
  readonly OIDC_CLIENT_ID?: string;
  /** Secret: the client's; absent: a public client. */
  readonly OIDC_CLIENT_SECRET?: string;
  /** What the button says; absent: the provider's host. */
  readonly OIDC_NAME?: string;
  /**
   * The header in which the host in front tells the client's address, set anew on every request: `cf-connecting-ip` behind
   * Cloudflare. Absent: no header is believed.
   */
  readonly CLIENT_ADDRESS_HEADER?: string;
  /** The public key that is meant where a signed request names none; absent: such a request is unknown. */
  readonly ADMIN_KEY?: string;
  /** Test builds alone: answers `{"offset": ms}` (added to the clock) or `{"at": ms}` (the clock stands there). */
  readonly TEST_CLOCK?: Fetcher;
}

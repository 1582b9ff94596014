// One place that says how workerd runs a built Worker: its modules, bindings and storage. The development server, the
// suites under tests/workerd and the benchmarks all take it from here; what is deployed says the same in wrangler.toml.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The Durable Object classes by binding, every one with SQLite. */
const objects = {
  ORGANIZATION: "Organization",
  INSTANCE: "Instance",
  LOCATOR: "Locator",
  REPLAY: "Replay",
  LOGIN: "Login",
};

function compatibilityDate() {
  const found = /^compatibility_date = "(\d{4}-\d{2}-\d{2})"$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"));
  if (found === null) throw new Error("wrangler.toml has no compatibility_date");
  return found[1];
}

/** A built Worker's folder by its flavour: "worker", "worker-test" or "worker-dev". */
export function folderOf(flavour) {
  return join(root, "dist", flavour);
}

/**
 * One Worker of a Miniflare instance.
 * - `folder`: where index.js and symbolon.wasm are (folderOf);
 * - `bindings`: plain values by name, SETUP_CODE and INSTANCE_SECRET among them;
 * - `name`: the Worker's name; one that `objectsOf` names has the Durable Objects, so that several edges share them;
 * - `assets`: a folder of static files, left out when it holds none;
 * - `port`: where it listens without Miniflare's own proxy in front, which would rewrite URLs and headers; 0 for any.
 */
export function worker({ folder, bindings = {}, name = "symbolon", objectsOf, assets, port = 0, ...others }) {
  const scriptName = objectsOf === undefined || objectsOf === name ? undefined : objectsOf;
  const hasAssets = assets !== undefined && existsSync(assets) && readdirSync(assets).length > 0;
  return {
    name,
    modulesRoot: folder,
    modules: [
      { type: "ESModule", path: join(folder, "index.js") },
      { type: "CompiledWasm", path: join(folder, "symbolon.wasm") },
    ],
    compatibilityDate: compatibilityDate(),
    bindings,
    kvNamespaces: { DIRECTORY: "directory" },
    durableObjects: Object.fromEntries(
      Object.entries(objects).map(([binding, className]) => [binding, { className, scriptName, useSQLite: true }]),
    ),
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
    ...(hasAssets && { assets: { directory: assets, binding: "ASSETS", routerConfig: { has_user_worker: true }, run_worker_first: true } }),
    ...others,
  };
}

/**
 * Starts workerd with these Workers; storage lies in the folder `data`, or in memory when there is none. Nothing is asked of the network.
 * The address of each Worker is `await instance.unsafeGetDirectURL(name)`; `await instance.dispose()` ends workerd.
 */
export async function start({ workers, data, log = LogLevel.WARN, ...others }) {
  const instance = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(log),
      ...(data !== undefined && { resourcePersistencePath: data }),
      ...others,
      workers,
    }),
  );
  try {
    await instance.ready;
  } catch (error) {
    await instance.dispose().catch(() => {});
    throw error;
  }
  return instance;
}

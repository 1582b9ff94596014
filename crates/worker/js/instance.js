// The WebAssembly instance that all requests of an isolate share, until it traps.

import { instantiate } from "symbolon-wasm";

import { fault } from "./log.js";

/**
 * A WebAssembly instance and the gate in it, with the answers that it has by number, and the fields that it wants for
 * what a proxy asks, by URL without query.
 * @typedef {{ gate: any, broken: boolean, ready: Response[], fields: Map<string, string[]> }} Running
 */

/** @type {Running | undefined} */
let running;

/** The WebAssembly instance trapped, in this request or in another. */
export class Trapped extends Error {}

/**
 * The instance that serves now.
 * @param {Env} env
 * @returns {Running}
 */
export function current(env) {
  if (running === undefined || running.broken) {
    const { Gate } = instantiate();
    const random = crypto.getRandomValues(new Uint8Array(16));
    const { INSTANCE_SECRET, GATEWAY_HOSTS = "", ORIGIN, PROXY_SECRET, SETUP_CODE, ADMIN_KEY } = env;
    const provider = oidc(env, (json) => Gate.oidc_fault(json));
    const hasOrigin = ORIGIN !== undefined;
    const gate = new Gate(random, INSTANCE_SECRET, GATEWAY_HOSTS, hasOrigin, PROXY_SECRET, SETUP_CODE, provider, ADMIN_KEY);
    running = { gate, broken: false, ready: [], fields: new Map() };
  }
  return running;
}

/**
 * The provider of identities, if there is one. A slip in its configuration is logged, and switches nothing else off.
 * @param {Env} env
 * @param {(json: string) => string | undefined} faultOf
 */
function oidc({ OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME }, faultOf) {
  if (OIDC_ISSUER === undefined || OIDC_ISSUER === "") return undefined;
  const json = JSON.stringify({ issuer: OIDC_ISSUER, client_id: OIDC_CLIENT_ID, client_secret: OIDC_CLIENT_SECRET, name: OIDC_NAME });
  const wrong = faultOf(json);
  if (wrong === undefined) return json;
  fault("gate", "the provider cannot be used", new Error(wrong));
  return undefined;
}

/**
 * Enters WebAssembly. Whatever it throws is a trap, after which the instance must not be entered again.
 * @template T
 * @param {Running} instance
 * @param {(gate: any) => T} enter
 * @returns {T}
 */
export function guarded(instance, enter) {
  if (instance.broken) throw new Trapped();
  try {
    return enter(instance.gate);
  } catch (error) {
    instance.broken = true;
    fault("gate", "trap", error);
    throw new Trapped("trap", { cause: error });
  }
}

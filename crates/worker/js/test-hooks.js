// For tests alone; a build without TEST_HOOKS has none of this.

import { instantiate } from "symbolon-wasm";

import { now } from "./clock.js";
import { digest } from "./body.js";
import { fromBase64, verify } from "./keys.js";
import { ask } from "./objects.js";
import { Host } from "./storage.js";

const PREFIX = "__test:";

/**
 * Requests under `/__test/`; undefined for all others.
 * @param {Request} request
 * @param {Env} env
 * @param {(enter: (gate: any) => Response) => Response} inGateInstance
 * @returns {Promise<Response | undefined>}
 */
export async function inGate(request, env, inGateInstance) {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/__test/trap/gate":
      return inGateInstance((gate) => gate.trap());
    case "/__test/sha256": {
      // [message in base64, …] → the digest of each, by the gate's own function and by the core.
      const messages = /** @type {string[]} */ (await request.json());
      const exports = instantiate();
      const both = async (/** @type {Uint8Array} */ bytes) => [await digest("SHA-256", bytes), exports.test_sha256(bytes)];
      return Response.json(await Promise.all(messages.map((message) => both(fromBase64(message)))));
    }
    case "/__test/clock":
      return Response.json(await now(env));
    case "/__test/object": {
      // { class, name, run }: one of the functions below, inside that object.
      const [objectClass, name] = [searchParams.get("class") ?? "", searchParams.get("name") ?? ""];
      return ask(env, objectClass, name, PREFIX + searchParams.get("run"), 10_000).then(
        (text) => new Response(text),
        (error) => Response.json({ error: error.message }, { status: 500 }),
      );
    }
    case "/__test/p256": {
      // [{ key (hex), message, signature (base64), der? }, …] → for each what WebCrypto and RustCrypto say.
      const vectors = /** @type {{ key: string, message: string, signature: string, der?: boolean }[]} */ (await request.json());
      const exports = instantiate();
      const verdicts = await Promise.all(
        vectors.map(async ({ key, message, signature, der }) => {
          const given = fromBase64(signature);
          const plain = der ? exports.test_signature_from_der(given) : given;
          if (plain === undefined) return { webcrypto: false, rustcrypto: false };
          const bytes = fromBase64(message);
          return { webcrypto: await verify(key, bytes, plain), rustcrypto: exports.test_p256(key, bytes, plain) };
        }),
      );
      return Response.json(verdicts);
    }
  }
}

/** @param {string} json */
export function isForObject(json) {
  return json.startsWith(PREFIX);
}

/** Whether an object is asked how many effects it is carrying out. @param {string} json */
export function isUnderWay(json) {
  return json === `${PREFIX}under-way`;
}

/** Whether an object is told that its alarm's time has come. @param {string} json */
export function isAlarm(json) {
  return json === `${PREFIX}alarm`;
}

/**
 * @param {any} exports
 * @param {DurableObjectStorage} storage
 * @param {string} json
 * @returns {string}
 */
export function inObject(exports, storage, json) {
  const host = new Host(storage);
  switch (json.slice(PREFIX.length)) {
    case "trap":
      return exports.test_trap();
    case "trap-in-transaction":
      return exports.test_trap_in_transaction(host);
    case "tables":
      return JSON.stringify(host.exec("SELECT name FROM sqlite_master ORDER BY name", []).map(([name]) => name));
    case "forget-newest-change": {
      // As if storage were put back to what it was before.
      const [[newest]] = host.exec("SELECT max(epoch) FROM change", []);
      host.exec("DELETE FROM change WHERE epoch = ?1", [newest]);
      host.exec("UPDATE organization SET epoch = (SELECT max(epoch) FROM change)", []);
      return JSON.stringify([{ epoch: Number(newest) }]);
    }
    case "contract": {
      const results = [];
      for (let check = 0; check < exports.test_contract_length(); check += 1) {
        for (const [name] of host.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'", [])) {
          host.exec(`DROP TABLE "${name}"`, []);
        }
        results.push(exports.test_contract(host, check));
      }
      return JSON.stringify(results);
    }
    default:
      throw new Error("no such test hook");
  }
}

// What the gate tells: steps as JSON, and in plain lines what most requests are answered with (crates/worker/src/flat.rs).

import { fromHex, toBase64 } from "./keys.js";

/**
 * What the gate waits for, what it answers in the end, and what it tells of a request in one turn.
 * @typedef {{ effect: "ask", class: string, object: string, message: string, safe: boolean, timeout_millis: number }
 *   | { effect: "directory", key: string }
 *   | { effect: "verify_p256", public_key: string, message: string, signature: string }
 *   | { effect: "verify_rs256", modulus: string, exponent: string, message: string, signature: string }
 *   | { effect: "fetch" } & import("./fetch.js").Question
 *   | { effect: "body_digests", sha256: boolean, sha512: boolean, limit: number }
 *   | { effect: "body_text", limit: number }
 *   | { effect: "sleep", millis: number }} Effect
 * @typedef {{ outcome: "respond" } & import("./reply.js").Told
 *   | { outcome: "forward", remove: string[], set: [string, string][] }
 *   | { outcome: "asset", console: boolean, missing: import("./reply.js").Told }} Outcome
 * @typedef {{ task: number, ended?: true, wait?: [number, Effect][], outcome?: Outcome, background?: Step }} Step
 */

/**
 * What the gate tells of a request: the number of an answer that is ready, or a text.
 * @typedef {number | string} Told
 */

/**
 * What there is to tell.
 * @param {any} gate
 * @param {number} number of an answer that is ready; negative: there is more to tell
 * @returns {Told}
 */
export function tell(gate, number) {
  return number < 0 ? gate.told() : number;
}

/**
 * Whether what the gate told is a step, and not an outcome in plain lines.
 * @param {string} told
 */
export function isStep(told) {
  return told.startsWith("{");
}

/** How a wait for the check of a signature begins, told in plain lines (crates/worker/src/flat.rs). */
export const CHECK = "verify\n";
const encoder = new TextEncoder();

/**
 * What is to be checked.
 * @param {string} told
 */
export function check(told) {
  const [, task, effect, publicKey, signature] = told.split("\n", 5);
  const message = told.slice(CHECK.length + task.length + effect.length + publicKey.length + signature.length + 4);
  return {
    task: Number(task),
    effect: Number(effect),
    publicKey,
    message: encoder.encode(message),
    signature: fromHex(signature),
  };
}

/**
 * The same as a step among others.
 * @param {string} told
 * @returns {Step}
 */
export function checking(told) {
  const { task, effect, publicKey, message, signature } = check(told);
  /** @type {Effect} */
  const wait = { effect: "verify_p256", public_key: publicKey, message: toBase64(message), signature: toBase64(signature) };
  return { task, wait: [[effect, wait]] };
}

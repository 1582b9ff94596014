// Passing a request on to the protected side.

import { fault } from "./log.js";
import { problem } from "./reply.js";

/**
 * Sends the request to the origin, its header changed as the gate said, its body as it was received.
 * @param {Request} request
 * @param {Uint8Array | undefined} body what was read of it already; undefined: nothing
 * @param {{ remove: string[], set: [string, string][] }} changes
 * @param {Env} env
 * @returns {Promise<Response>} the origin's own response
 */
export async function forward(request, body, { remove, set }, env) {
  const { ORIGIN } = env;
  if (ORIGIN === undefined) return problem("not_found", request.method);
  const headers = new Headers(request.headers);
  for (const name of remove) headers.delete(name);
  // The origin at an address of its own is asked by that address's name.
  if (typeof ORIGIN === "string") headers.delete("host");
  for (const [name, value] of set) headers.set(name, value);
  /** @type {RequestInit} */
  const init = { method: request.method, headers, redirect: "manual", body: body === undefined ? request.body : body };
  if (request.method === "GET" || request.method === "HEAD") delete init.body;
  try {
    if (typeof ORIGIN !== "string") return await ORIGIN.fetch(new Request(request.url, init));
    return await fetch(new Request(address(ORIGIN, request.url), init));
  } catch (error) {
    fault("gate", "cannot reach the origin", error);
    return problem("authority_unavailable", request.method);
  }
}

/**
 * The same path and query at the origin. Taken over as text: a second parser must not read them anew.
 * @param {string} origin `https://host[:port]`
 * @param {string} url
 */
function address(origin, url) {
  const target = url.slice(url.indexOf("/", url.indexOf("://") + 3));
  return new URL(origin).origin + target;
}

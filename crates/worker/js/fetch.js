// Asking a server elsewhere, for the gate: bounded in size and time, following no redirect.

import { readBody, toText } from "./body.js";

/**
 * @typedef {{ method: string, url: string, headers: [string, string][], body?: string, limit: number, timeout_millis: number }} Question
 */

/**
 * @param {Question} question
 * @returns {Promise<object>} the answer as the gate's effect names it; rejected where the server cannot be reached in time
 */
export async function fetchText({ method, url, headers, body, limit, timeout_millis }) {
  const signal = AbortSignal.timeout(timeout_millis);
  const response = await fetch(url, { method, headers, body: body ?? null, redirect: "manual", signal });
  const bytes = await readBody(response, limit);
  if (bytes === null) return { answer: "too_large" };
  const text = toText(bytes);
  return text === undefined ? { answer: "not_text" } : { answer: "fetched", status: response.status, text };
}

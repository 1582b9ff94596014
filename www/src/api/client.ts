// Calls to the server that served this page, and to no other.
//
// The credential lives in this module alone: a session's cookie, which no script can read, with its CSRF token; or an
// access token, held in memory until the page is left. Nothing of it is written to any storage.

import { ApiProblem, problemOf } from "./problem";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface CallOptions {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Send nothing that says who asks; or no more than the cookie, where the answer is to set one. */
  readonly anonymous?: true | "cookie";
  /** Take the cookie that the answer sets, also beside a token. */
  readonly takesCookie?: boolean;
}

type Credential =
  | { readonly type: "none" }
  | { readonly type: "session"; readonly csrf: string }
  | { readonly type: "token"; readonly secret: string };

let credential: Credential = { type: "none" };

/** What to do when a step wants a passkey that was just used; false: the person would not. */
let confirmPresence: () => Promise<boolean> = async () => false;
/** What to do when the credential stops being good. */
let signedOut: () => void = () => {};

export function holdSession(csrf: string): void {
  credential = { type: "session", csrf };
}

export function holdToken(secret: string): void {
  credential = { type: "token", secret };
}

export function holdNothing(): void {
  credential = { type: "none" };
}

export function credentialType(): Credential["type"] {
  return credential.type;
}

export function onConfirm(handler: () => Promise<boolean>): void {
  confirmPresence = handler;
}

export function onSignedOut(handler: () => void): void {
  signedOut = handler;
}

function address(path: string, query: CallOptions["query"]): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== "") search.set(name, value);
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function send(method: Method, path: string, options: CallOptions): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  if (options.body !== undefined) headers.set("content-type", "application/json");
  const held = options.anonymous !== undefined ? { type: "none" as const } : credential;
  // A cookie beside a token would be two credentials in one request, of which the token counts.
  const cookie = held.type === "session" || options.anonymous === "cookie" || options.takesCookie === true;
  if (held.type === "token") headers.set("authorization", `Bearer ${held.secret}`);
  if (held.type === "session" && method !== "GET") headers.set("x-symbolon-csrf", held.csrf);
  try {
    return await fetch(address(path, options.query), {
      method,
      headers,
      credentials: cookie ? "same-origin" : "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...(options.signal && { signal: options.signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiProblem("network", 0);
  }
}

/** The credential's own faults: after one of these it is of no use any more. */
const ENDED = new Set(["missing_credential", "unknown_token", "expired", "revoked", "inactive", "owner_suspended"]);

async function answered(method: Method, path: string, options: CallOptions): Promise<Response> {
  let response = await send(method, path, options);
  if (response.ok) return response;
  let problem = await problemOf(response);
  // Whoever holds a token has no session to make fresh: the problem says where to sign in.
  if (problem.code === "insufficient_permission" && problem.required === "session:fresh" && credential.type === "session") {
    if (!(await confirmPresence())) throw problem;
    response = await send(method, path, options);
    if (response.ok) return response;
    problem = await problemOf(response);
  }
  if (options.anonymous === undefined && problem.status === 401 && ENDED.has(problem.code) && credential.type !== "none") {
    holdNothing();
    signedOut();
  }
  throw problem;
}

/** Carries out a call and gives its document. @throws ApiProblem */
export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
  const response = await answered(method, path, options);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiProblem("unexpected", response.status);
  }
}

/** The same, for an answer that is a text; with the address of its next part, where there is one. */
export async function callText(path: string, options: CallOptions = {}): Promise<{ text: string; next?: string }> {
  const response = await answered("GET", path, options);
  const text = await response.text();
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  return next === undefined ? { text } : { text, next };
}

// What every call of the generated client goes through. The calls themselves are made from the OpenAPI document when
// the package is built (xtask/js/api.mjs): one function each, so that a bundle holds those that are used.

import { boundedText, serverOrigin } from "../answer.js";
import { type Code, type LocalCode, SymbolonError } from "../errors.js";
import type { SignedFetch } from "../fetch.js";
import type { Problem, ProblemCode } from "./generated.js";

/** How large an answer may be, in bytes: a page of a list, or a part of the activity log, is far smaller. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** Holds where the document and this package know the same codes; the package is not built otherwise. */
type Holds<Truth extends true> = Truth;
/** True, or the package is not built. */
export type SameCodes = Holds<[Code, ProblemCode] extends [ProblemCode, Code] ? true : false>;

/** Why a call failed. `code` is stable, and the same as over HTTP and in Rust. */
export class ApiError extends SymbolonError {
  override readonly name = "ApiError";
  /** The status of the answer; undefined where none came. */
  readonly status: number | undefined;
  /** What the server said, where it said it as Symbolon does. */
  readonly problem: Problem | undefined;
  /** With `oauth_refused`: the `error` of RFC 6749, section 5.2, such as `authorization_pending`. */
  readonly oauth: string | undefined;

  constructor(
    code: Code | LocalCode,
    message: string,
    { status, problem, oauth, ...options }: ErrorOptions & { readonly status?: number; readonly problem?: Problem; readonly oauth?: string } = {},
  ) {
    super(code, message, options);
    this.status = status;
    this.problem = problem;
    this.oauth = oauth;
  }

  /** After how many seconds to try again, where the server says so. */
  get retryAfterSeconds(): number | undefined {
    return this.problem?.retry_after ?? undefined;
  }
}

/** The outcome of a call: look at `ok` first. */
export type ApiResult<Data> =
  | { readonly ok: true; readonly status: number; readonly data: Data; readonly headers: Headers }
  | { readonly ok: false; readonly code: Code | LocalCode; readonly error: ApiError };

/** What may be said of any call. */
export interface CallOptions {
  /** Ends the call: it then throws what the signal says. */
  readonly signal?: AbortSignal;
  /** The token's passphrase, where it has one. */
  readonly passphrase?: string;
}

/** What a call takes, as the functions hand it over. */
export interface CallInput extends CallOptions {
  readonly path?: object;
  readonly query?: object;
  readonly headers?: object;
  readonly body?: unknown;
}

/** How a call is sent. */
export interface Call {
  readonly method: string;
  /** With `{name}` for what the input's `path` names. */
  readonly path: string;
  /** The media type of the content. */
  readonly body?: string;
  /** The media type of a good answer. Default: `application/json`. */
  readonly answer?: string;
}

/** A server, and who calls it: the first argument of every call. */
export interface ApiClient {
  /** Sends a call. The functions of this module call it; it is of use for what they do not cover. */
  send<Data>(call: Call, input: CallInput): Promise<ApiResult<Data>>;
}

/** Options of {@link createClient}. */
export interface ClientOptions {
  /** Where Symbolon is: `https://tokens.example.com`. */
  readonly url: string | URL;
  /** A bearer token, or a `signedFetch`; left out for the calls that take none. */
  readonly credential?: string | SignedFetch;
  /** What sends where the credential is no `signedFetch`. Default: the host's `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/**
 * A client of the server at `url`. It keeps nothing, and follows no redirect with a bearer token.
 * @throws {SymbolonError} `invalid_request` where `url` is no origin.
 */
export function createClient({ url, credential, fetch }: ClientOptions): ApiClient {
  const origin = serverOrigin(url);
  const plain = fetch ?? ((request: Request) => globalThis.fetch(request));
  return {
    send: async <Data>(call: Call, input: CallInput): Promise<ApiResult<Data>> => {
      const target = address(origin, call.path, input);
      const headers = new Headers({ accept: "application/json" });
      for (const [name, value] of Object.entries(input.headers ?? {})) if (present(value)) headers.set(name, String(value));
      if (input.passphrase !== undefined) headers.set("x-token-passphrase", input.passphrase);
      const init: RequestInit = { method: call.method, headers, redirect: "manual" };
      if (input.signal !== undefined) init.signal = input.signal;
      if (call.body !== undefined && input.body !== undefined) {
        headers.set("content-type", call.body);
        init.body = content(call.body, input.body);
      }
      // A cookie beside a token would be two credentials in one request; workerd has no credentials mode.
      if ("credentials" in Request.prototype) init.credentials = "omit";
      let response: Response;
      try {
        if (typeof credential === "function") response = await credential(target, init);
        else {
          if (credential !== undefined) headers.set("authorization", `Bearer ${credential}`);
          response = await plain(new Request(target, init));
        }
      } catch (error) {
        input.signal?.throwIfAborted();
        if (error instanceof SymbolonError) return failed(new ApiError(error.code, error.message, { cause: error }));
        return failed(new ApiError("unreachable", "the server did not answer", { cause: error }));
      }
      return await read<Data>(response, call.answer ?? "application/json", input.signal);
    },
  };
}

/** The data of a result. @throws {ApiError} where the call failed. */
export function unwrap<Data>(result: ApiResult<Data>): Data {
  if (!result.ok) throw result.error;
  return result.data;
}

/** A list: its pages are asked for with the cursor of the page before. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor?: string | null;
}

/**
 * Each item of a list, page after page: `for await (const token of eachItem(listTokens, client, { query: { q: "ci" } }))`.
 * It asks for a page when the one before has been read. @throws {ApiError} where a page cannot be had.
 */
export async function* eachItem<Item, Input extends CallOptions & { readonly query?: { readonly cursor?: string } }>(
  list: (client: ApiClient, input?: Input) => Promise<ApiResult<Page<Item>>>,
  client: ApiClient,
  input: NoInfer<Input>,
): AsyncGenerator<Item, void, undefined> {
  let page = unwrap(await list(client, input));
  for (;;) {
    yield* page.items;
    const cursor = page.next_cursor;
    if (cursor === undefined || cursor === null) return;
    page = unwrap(await list(client, { ...input, query: { ...input.query, cursor } }));
  }
}

const present = (value: unknown): boolean => value !== undefined && value !== null;

const failed = (error: ApiError): { readonly ok: false; readonly code: Code | LocalCode; readonly error: ApiError } => ({ ok: false, code: error.code, error });

function address(origin: string, template: string, { path = {}, query = {} }: CallInput): string {
  const values = new Map<string, unknown>(Object.entries(path));
  const filled = template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = values.get(name);
    // An empty or dotted segment would make it another call.
    if (typeof value !== "string" || /^\.{0,2}$/.test(value)) throw new ApiError("invalid_request", `path.${name} is not a segment of a path`);
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) if (present(one)) search.append(name, String(one));
  }
  const text = search.toString();
  return text === "" ? origin + filled : `${origin}${filled}?${text}`;
}

function content(media: string, body: unknown): string {
  if (media === "application/x-www-form-urlencoded") {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(body ?? {})) if (present(value)) form.append(name, String(value));
    return form.toString();
  }
  return typeof body === "string" && !media.endsWith("json") ? body : JSON.stringify(body);
}

async function read<Data>(response: Response, expected: string, signal: AbortSignal | undefined): Promise<ApiResult<Data>> {
  const { status, headers } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    await response.body?.cancel();
    return failed(new ApiError("redirect_refused", "the server answered with a redirect", { status }));
  }
  const unexpected = (cause?: unknown): ApiResult<Data> =>
    failed(new ApiError("unexpected_answer", `the server answered ${status} with what is not of its contract`, { status, cause }));
  let document: unknown;
  try {
    const text = await boundedText(response, MAX_ANSWER);
    const media = headers.get("content-type") ?? "";
    document = text === "" ? undefined : /^application\/([a-z0-9.+-]+\+)?json\b/.test(media) ? JSON.parse(text) : text;
  } catch (error) {
    signal?.throwIfAborted();
    return unexpected(error);
  }
  if (response.ok) {
    // Something in between may answer with a page of its own, and call that good.
    const media = (headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
    if (status !== 204 && media !== expected) return unexpected();
    return { ok: true, status, data: document as Data, headers };
  }
  if (isObject(document)) {
    if (typeof document["code"] === "string") {
      const problem = document as unknown as Problem;
      return failed(new ApiError(problem.code, problem.detail ?? problem.title ?? problem.code, { status, problem }));
    }
    if (typeof document["error"] === "string") {
      const said = document["error_description"];
      return failed(new ApiError("oauth_refused", typeof said === "string" ? said : document["error"], { status, oauth: document["error"] }));
    }
  }
  return unexpected();
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

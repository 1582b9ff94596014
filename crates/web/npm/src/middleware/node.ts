// The guard for Express and Connect, whose requests are Node's own.

import { type Bytes, joined } from "../bytes.js";
import { SymbolonError } from "../errors.js";
import { bytesOf } from "../received.js";
import { type Accepted, type Decision, type Verifier, refusal, refused } from "./decision.js";
import { type GuardOptions, MAX_BODY, type Origins, divided, isSigned, misdirected, originsOf } from "./guard.js";

/** As much of a Node request as is used here, as Express and Connect hand it over. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express: what the client asked for, before routers cut it. */
  readonly originalUrl?: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly headers: { readonly host?: string | undefined; readonly "content-length"?: string | undefined; readonly "transfer-encoding"?: string | undefined };
  readonly httpVersionMajor: number;
  /** The bytes of a signed request's body: kept here, or by something before. */
  rawBody?: Uint8Array;
  /** Who a verified request comes from. */
  symbolon?: Accepted;
  readonly complete: boolean;
  readonly readableEnded: boolean;
  readonly destroyed: boolean;
  read(): Uint8Array | null;
  unshift(bytes: Uint8Array): void;
  resume(): unknown;
  on(event: "readable" | "end" | "close" | "error", listener: () => void): unknown;
  off(event: "readable" | "end" | "close" | "error", listener: () => void): unknown;
}

/** As much of a Node response as is used here. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/** Middleware of Express and Connect. */
export type NodeMiddleware = (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void) => void;

/**
 * Middleware for Express and Connect: `app.use(nodeGuard(verifier, { origin }))`, before whatever parses bodies. It keeps
 * the bytes of a signed request's body as `request.rawBody`, and what parses bodies afterwards finds them too;
 * `request.symbolon` says who it is.
 */
export function nodeGuard(verifier: Verifier, options: GuardOptions): NodeMiddleware {
  const origins = originsOf(options?.origin);
  return (request, response, next) => {
    decideNode(verifier, request, origins, options.maxBodyBytes ?? MAX_BODY).then(async (decision) => {
      if (decision.accepted) {
        request.symbolon = decision;
        next();
        return;
      }
      const answer = refusal(decision);
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(await answer.text());
      // What still comes of a body is thrown away: else the client never gets to read the answer.
      request.resume();
    }).catch(next);
  };
}

async function decideNode(verifier: Verifier, request: NodeRequest, origins: Origins, limit: number): Promise<Decision> {
  const target = request.originalUrl ?? request.url ?? "/";
  // A target may name another authority than Host does (RFC 9112, section 3.2.2): neither of them is believed.
  const [claimed, rest] = target.startsWith("/") ? [`http://${request.headers.host ?? ""}`, target] : divided(target);
  const origin = origins(claimed);
  if (origin === undefined) return misdirected();
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    headers.push([request.rawHeaders[index] ?? "", request.rawHeaders[index + 1] ?? ""]);
  }
  const given = { method: request.method ?? "", url: origin + rest, headers };
  // In HTTP/1.1 a body is announced (RFC 9112, section 6.3). What has none is left alone.
  const announced = request.httpVersionMajor !== 1 || request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) !== 0;
  if (!isSigned(headers)) return await verifier({ ...given, body: null, unread: announced });
  if (!announced && request.rawBody === undefined) return await verifier({ ...given, body: null });
  const body = request.rawBody === undefined ? await take(request, limit) : bytesOf(request.rawBody);
  if (body === undefined) return refused("too_large", `the body is longer than ${limit} bytes`);
  if (body !== null) request.rawBody = body;
  return await verifier({ ...given, body });
}

/** Reads the body to its end and puts it back, for whatever parses bodies afterwards; undefined where it is too long. */
function take(request: NodeRequest, limit: number): Promise<Bytes | undefined> {
  const announced = Number(request.headers["content-length"] ?? 0);
  const readBefore = (): SymbolonError =>
    new SymbolonError("internal", "the body was read before nodeGuard: put it before whatever parses bodies, or keep the bytes as rawBody");
  if (request.readableEnded) return Promise.reject(readBefore());
  const brokenOff = (): SymbolonError => new SymbolonError("invalid_request", "the connection ended before the body did");
  if (request.destroyed) return Promise.reject(brokenOff());
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const finish = (outcome: () => void): void => {
      request.off("readable", readable);
      request.off("end", end);
      request.off("close", broken);
      request.off("error", broken);
      outcome();
    };
    const readable = (): void => {
      for (let chunk = request.read(); chunk !== null; chunk = request.read()) {
        length += chunk.byteLength;
        if (length > limit) return finish(() => resolve(undefined));
        chunks.push(chunk);
      }
      // All has come, and its end has not been told yet: only now can it be put back.
      if (request.complete && length > 0 && length >= announced) {
        const whole = joined(chunks, length);
        finish(() => {
          request.unshift(whole);
          resolve(whole);
        });
      }
    };
    // Without a byte of an announced body, somebody else has had it.
    const end = (): void => finish(() => (length < announced ? reject(readBefore()) : resolve(joined(chunks, length))));
    const broken = (): void => finish(() => reject(brokenOff()));
    request.on("readable", readable);
    request.on("end", end);
    request.on("close", broken);
    request.on("error", broken);
  });
}

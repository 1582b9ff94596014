// Requests that another server framework received.

import { type Bytes, isBytes } from "./bytes.js";
import { SymbolonError } from "./errors.js";

/** A request that another server framework received. */
export interface ReceivedRequest {
  readonly method: string;
  /** The absolute URL, as the client wrote it. */
  readonly url: string;
  /** Every field line in its order. */
  readonly headers: Iterable<readonly [name: string, value: string]>;
  /** The whole body as received; null where there is none. */
  readonly body: Uint8Array | null;
  /** There is a body, and it was not read: no signature is accepted with it. */
  readonly unread?: boolean;
}

/** Whether a body came, read or not. */
export const hasBody = ({ body, unread = false }: Pick<ReceivedRequest, "body" | "unread">): boolean => unread || (body !== null && body.length > 0);

/**
 * A body as bytes. One of another type would have no length here and so be taken for none: it would pass without a digest.
 * @throws {SymbolonError} `invalid_request`
 */
export function bytesOf(body: unknown): Bytes | null {
  if (body === null) return null;
  if (isBytes(body)) return body as Bytes;
  throw new SymbolonError("invalid_request", "a received body is a Uint8Array of its bytes as they came, or null where there is none");
}

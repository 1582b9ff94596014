// Symbolon's own server: where it is, and its answers, which may be longer than anybody wants to hold.

import { SymbolonError } from "./errors.js";

/**
 * The origin of Symbolon, which is known by that alone: its paths begin at the root.
 * @throws {SymbolonError} `invalid_request`
 */
export function serverOrigin(url: string | URL): string {
  const wrong = (why: string): SymbolonError => new SymbolonError("invalid_request", `the url of Symbolon ${why}: "https://tokens.example.com"`);
  if (!URL.canParse(url)) throw wrong("is absolute");
  const { origin, protocol, pathname, search } = new URL(url);
  if (!/^https?:$/.test(protocol)) throw wrong("is one of http or https");
  if (pathname !== "/" || search !== "") throw wrong("has no path, as it answers at the root of its host");
  return origin;
}

/**
 * The text of an answer, which is never held in memory past the limit, in bytes.
 * @throws {RangeError} where it is longer.
 */
export async function boundedText(response: Response, limit: number): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.byteLength;
    if (length > limit) {
      // Not awaited: of an answer in two branches, one ends only with the other.
      void reader.cancel().catch(() => {});
      throw new RangeError(`the answer is longer than ${limit} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

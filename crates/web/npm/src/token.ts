import { TokenError } from "./errors.js";

/** How long a credential may be, in characters. */
const MAX_CREDENTIAL = 256;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** The organisation's short id, what the instance adds to it, random characters and the checksum. */
const NATIVE = { short: 6, organization: 10, random: 32, checksum: 6 } as const;
/** How many characters of the random part are shown. */
const SHOWN = 4;

/** What the tokens of one kind look like. */
export interface TokenFormat {
  /** What they begin with; it ends with `_`. */
  readonly prefix: string;
  /** `native`, or how many hexadecimal digits follow the prefix. */
  readonly body: "native" | { readonly hexDigits: number };
}

/** The formats of the profile `symbolon`. */
export const NATIVE_FORMATS: readonly TokenFormat[] = ["sym_pat_", "sym_key_", "sym_ci_"].map((prefix) => ({ prefix, body: "native" }));

/** What the text of a token tells without asking anybody. It does not tell whether there is such a token. */
export interface ParsedToken {
  /** The prefix, which names the kind. */
  readonly prefix: string;
  /** The short id of the organisation that it says it belongs to; undefined where its format names none. */
  readonly organization: string | undefined;
  /** The part of it that may be shown and logged. */
  readonly displayPrefix: string;
}

/**
 * Looks whether a text has the form of a token: prefix, length, characters and, for a native one, the checksum. So a
 * typing error is noticed before anything is sent.
 * @param formats of several prefixes that fit, the longest counts
 * @throws {TokenError} `malformed_credential`, with what is wrong; never with any part of the text.
 */
export function parseToken(text: string, formats: readonly TokenFormat[] = NATIVE_FORMATS): ParsedToken {
  const wrong = (why: string): TokenError => new TokenError("malformed_credential", why);
  if (typeof text !== "string") throw wrong("not a text");
  if (text.length > MAX_CREDENTIAL) throw wrong("longer than any token");
  const format = formats
    .filter(({ prefix }) => text.startsWith(prefix))
    .reduce<TokenFormat | undefined>((best, one) => (best !== undefined && best.prefix.length >= one.prefix.length ? best : one), undefined);
  if (format === undefined) throw wrong("not a token with any known prefix");
  const { prefix, body } = format;
  const rest = text.slice(prefix.length);
  const native = body === "native";
  const length = native ? NATIVE.organization + NATIVE.random + NATIVE.checksum : body.hexDigits;
  if (rest.length !== length) throw wrong("a token of this format has another length");
  if (!(native ? /^[0-9A-Za-z]*$/ : /^[0-9a-f]*$/).test(rest)) throw wrong("a character that tokens of this format do not have");
  if (native && checksum(text.slice(0, -NATIVE.checksum)) !== text.slice(-NATIVE.checksum)) {
    throw wrong("the checksum is wrong: the token was not copied exactly");
  }
  return {
    prefix,
    organization: native ? rest.slice(0, NATIVE.short) : undefined,
    displayPrefix: text.slice(0, prefix.length + (native ? NATIVE.organization : 0) + SHOWN),
  };
}

/** CRC-32 as in zlib, in six characters of base62. */
function checksum(covered: string): string {
  let sum = -1;
  for (let at = 0; at < covered.length; at += 1) {
    sum ^= covered.charCodeAt(at);
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xed_b8_83_20 : 0);
  }
  let rest = ~sum >>> 0;
  let text = "";
  for (let at = 0; at < NATIVE.checksum; at += 1) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

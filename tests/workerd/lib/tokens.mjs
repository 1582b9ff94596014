// Native token strings, taken apart and put together as the documentation says: prefix, 10 characters for the
// organisation, 32 random ones, 6 of the CRC-32 over all before them.
import { randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function checksum(text) {
  let number = crc32(text);
  let digits = "";
  for (let index = 0; index < 6; index += 1) {
    digits = BASE62[number % 62] + digits;
    number = Math.floor(number / 62);
  }
  return digits;
}

/** A secret with one character of its random part changed: its checksum is wrong. */
export function brokenCopy(secret) {
  const at = secret.length - 20;
  return `${secret.slice(0, at)}${secret[at] === "a" ? "b" : "a"}${secret.slice(at + 1)}`;
}

/** A well-formed secret that nobody was ever given, of the same organisation or of another. */
export function inventedSecret(secret, organization = secret.slice(-48, -38)) {
  const random = Array.from({ length: 32 }, () => BASE62[randomInt(62)]).join("");
  const start = secret.slice(0, -48) + organization + random;
  return start + checksum(start);
}

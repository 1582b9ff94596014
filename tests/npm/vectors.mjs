// The vectors, brought into one form for every runtime. They are read in place: from the folder that SYMBOLON_VECTORS
// names, else from ../shared/vectors beside the project. Where it is absent the tests that need it are left out, loudly.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** null where there is no folder of vectors. */
export function readVectors() {
  const folder = process.env.SYMBOLON_VECTORS ?? join(ROOT, "../shared/vectors");
  if (!existsSync(folder)) {
    if (process.env.SYMBOLON_VECTORS !== undefined) throw new Error(`SYMBOLON_VECTORS names ${folder}, which is no folder`);
    console.error("vectors: LEFT OUT: no folder of vectors (set SYMBOLON_VECTORS to have these tests run)");
    return null;
  }
  const read = (file) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  return { ...signatures(read), requests: requests(read), components: components(read) };
}

const utf8Hex = (text) => Buffer.from(text, "utf8").toString("hex");

function signatures(read) {
  const ecdsa = [];
  const signing = [];
  const add = (id, key, message, signature, valid) => ecdsa.push({ id, key, message, signature, valid });
  for (const { publicKey, tests } of read("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json").testGroups) {
    for (const { tcId, comment, msg, sig, result } of tests) {
      add(`wycheproof ${tcId} ${comment}`, publicKey.uncompressed.slice(2), msg, sig, result === "valid");
    }
  }
  // The data in DER: this package reads no DER, so those that are DER become r and s, and the others match nothing.
  for (const { publicKey, tests } of read("wycheproof/ecdsa_secp256r1_sha256_test.json").testGroups) {
    for (const { tcId, comment, msg, sig, result } of tests) {
      const raw = fromDer(Buffer.from(sig, "hex"));
      if (raw === undefined && result === "valid") throw new Error(`wycheproof DER ${tcId} was not read`);
      if (raw !== undefined) add(`wycheproof DER ${tcId} ${comment}`, publicKey.uncompressed.slice(2), msg, raw, result === "valid");
    }
  }
  for (const file of ["nist/siggen_p256_sha256.json", "nist/sigver_p256_sha256.json"]) {
    for (const { id, msg_hex, d, qx, qy, p1363_hex, result } of read(file).tests) {
      add(id, qx + qy, msg_hex, p1363_hex, result === "valid");
      if (d !== undefined) signing.push({ id, d, key: qx + qy, message: msg_hex });
    }
  }
  for (const { id, d, qx, qy } of read("nist/keypair_p256.json").tests) signing.push({ id, d, key: qx + qy, message: "00" });
  const rfc = read("rfc6979/rfc6979_p256.json");
  for (const { op, hash, input, p1363_hex, result } of rfc.tests) {
    if (hash !== "SHA256" || !p1363_hex) continue;
    add(`RFC 6979 ${op} ${input}`, rfc.qx + rfc.qy, utf8Hex(input), p1363_hex, result === "valid");
    if (op === "sign") signing.push({ id: `RFC 6979 ${input}`, d: rfc.private_key_hex, key: rfc.qx + rfc.qy, message: utf8Hex(input), signature: p1363_hex });
  }
  const { key, tests } = read("rfc9421/rfc9421_p256_vectors.json");
  const [x, y] = [key.jwk.x, key.jwk.y].map((text) => Buffer.from(text, "base64url").toString("hex"));
  const printed = read("rfc9421/rfc9421_signatures.json").tests.filter(({ alg }) => alg === "ecdsa-p256-sha256");
  for (const { id, label, section, expect, signature_base, signature_b64 } of [...tests, ...printed]) {
    add(`RFC 9421 ${id ?? `${label} (${section})`}`, x + y, utf8Hex(signature_base), Buffer.from(signature_b64, "base64").toString("hex"), expect !== "invalid");
  }
  return { ecdsa, signing };
}

/** Strict DER of two non-negative integers of at most 32 bytes (RFC 3279, section 2.2.3); undefined where it is not. */
function fromDer(der) {
  if (der.length < 8 || der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72) return undefined;
  let at = 2;
  let raw = "";
  for (let half = 0; half < 2; half += 1) {
    const length = der[at + 1];
    const bytes = der.subarray(at + 2, at + 2 + length);
    const minimal = bytes.length === length && length > 0 && bytes[0] < 0x80 && (length === 1 || bytes[0] !== 0 || bytes[1] >= 0x80);
    if (der[at] !== 2 || !minimal) return undefined;
    const number = bytes.toString("hex").replace(/^(00)+(?=..)/, "");
    if (number.length > 64) return undefined;
    raw += number.padStart(64, "0");
    at += 2 + length;
  }
  return at === der.length ? raw : undefined;
}

/** The causes that are not `signature_invalid`: the core's own tests list the same. */
const CODES = {
  "expired": "signature_stale", "future-created": "signature_stale", "old-created-no-expires": "signature_stale",
  "no-created": "signature_invalid", "post-body~inner-list-spaces": "ok", "post-body~sig-malleable": "ok",
  "post-body~body": "digest_mismatch", "post-body~digest-alg-weak": "digest_mismatch",
};
const MALFORMED = [
  "created-decimal", "created-string", "comp-dup", "comp-unknown", "comp-upper", "comp-unknown-param", "comp-status", "comp-req",
  "comp-sigparams", "label-input-only", "sig-short", "sig-long", "sig-der", "sig-empty", "sig-sf-string", "sig-bad-b64", "sig-b64url",
  "no-signature", "no-signature-input", "dup-label", "siginput-garbage",
];

function requests(read) {
  const keys = read("interop/keys.json");
  return read("interop/dev_set.json").cases.map(({ id, expect, method, url, headers, body_b64, verify_at, label, verify_key }) => {
    const name = id.split("/").at(-1);
    const malformed = MALFORMED.includes(name.replace("post-body~", "")) ? "malformed_credential" : "signature_invalid";
    const code = expect === "valid" ? "ok" : (CODES[name] ?? malformed);
    return { id, key: keys[verify_key].public_xy_hex, method, url, headers, body: body_b64, at: verify_at, label, code };
  });
}

/** RFC 9421's own, and then every derived component and awkward targets, on which both tiers must agree. */
function components(read) {
  const list = read("rfc9421/rfc9421_components.json").tests
    // A Headers object unfolds nothing, and the core's own tests have these.
    .filter(({ headers }) => !headers.some(([, value]) => /[\r\n]/.test(value)))
    // It also joins repeated lines, which `bs` keeps apart.
    .filter(({ headers, component }) => !component.endsWith(";bs") || new Set(headers.map(([name]) => name)).size === headers.length)
    .map(({ method, url, headers, component, value }) => ({ method, url, headers, component, value }));
  const derived = ["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", '"@query-param";name="a"', "@status", "@nothing", "X-Upper", "content-type", "absent"];
  const targets = [
    "https://Example.com:443/a?b", "http://example.com:80", "https://example.com:8443/?a=1&a=2", "https://[::1]:1/?a=%20+%E9",
    "https://example.com/a%20b?a=x%2Fy~!'", "https://example.com/a?a=%C3%A9*()", "https://example.com/%zz", "https://example.com/a/%2e%2E/b",
    "https://example.com/..a/b...?", "https://exa_mple.com/a|b?filter[a]=b|c&d={e}^`f", "https://example.com/a^b", "https://user@example.com/",
    "https://example.com:070/", "https://example.com:65536/", "ftp://example.com/", "https://example.com/a\\b", "https://b\u00fccher.example/", "https:///x",
    "https://example.com?a", "https://example.com/\u007f", "https://example.com/;a=b,c:d@e?a=@:/?",
  ];
  for (const url of targets) for (const component of derived) list.push({ method: "GET", url, headers: [["content-type", "text/plain"]], component });
  for (const method of ["get", "A B", "", "M-SEARCH", "CONNECT"]) for (const component of ["@method", "@request-target"]) list.push({ method, url: "https://a.example/", headers: [], component });
  return list;
}

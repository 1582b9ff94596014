// The npm package beside others for the same job: bytes of a bundle, and times in this Node. One run, one machine.
import { gzipSync } from "node:zlib";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join } from "node:path";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const lib = join(root, "dist/npm/lib");
const from = (file) => JSON.stringify(join(lib, file));

/** A bundle that uses what it imports. */
const uses = (...imports) =>
  imports.map(([names, specifier]) => `import { ${names} } from ${specifier};`).join("\n") + `\nglobalThis.x = { ${imports.map(([names]) => names).join(", ")} };`;

const SIGNING = "generateKeyPair, importKey, exportKey, fingerprint, thumbprint, signRequest";
const NOBLE = ["p256", '"@noble/curves/nist.js"'];
// Four jobs, and who does the same. What makes and reads keys in them is WebCrypto itself where nothing is said.
const bundles = {
  "keys, and signing of requests": [
    ["symbolon/webcrypto (goal 8 KiB)", uses([SIGNING, from("webcrypto.js")])],
    ["symbolon", uses([SIGNING, from("index.js")])],
    ["http-message-signatures, with WebCrypto as its signer", uses(["httpbis", '"http-message-signatures"'])],
    ["http-message-sig and @noble/curves", uses(["createSignature, appendSignature", '"http-message-sig"'], NOBLE)],
  ],
  "keys, and signing and verifying of requests": [
    ["symbolon (goal 40 KiB)", uses(["generateKeyPair, importKey, exportKey, fingerprint, signRequest, verifyRequest", from("index.js")])],
    ["http-message-signatures, with its own signers (Node's crypto is not counted)", uses(["httpbis, createSigner, createVerifier", '"http-message-signatures"'])],
    ["http-message-sig and @noble/curves", uses(["createSignature, appendSignature, verifySignature", '"http-message-sig"'], NOBLE)],
  ],
  "keys, and signing and verifying of bytes": [
    ["symbolon/software", uses(["SoftwareKey, softwareVerify", from("software.js")])],
    ["jose: of a JWS", uses(["CompactSign, compactVerify, generateKeyPair, importJWK, exportJWK, calculateJwkThumbprint", '"jose"'])],
    ["@noble/curves", uses(NOBLE)],
  ],
  "the rest of symbolon": [
    ["symbolon/webcrypto: all of it", `import * as all from ${from("webcrypto.js")}; globalThis.x = { ...all };`],
    ["symbolon: all of it, P-256 in WebAssembly included", `import * as all from ${from("index.js")}; import * as s from ${from("software.js")}; globalThis.x = { ...all, ...s };`],
    ["symbolon/middleware: asking Symbolon", uses(["askSymbolon, guard, honoGuard, nodeGuard", from("middleware.js")])],
    ["symbolon/middleware: verifying offline", uses(["againstKeys, guard, honoGuard, memoryOfReplays, nodeGuard", from("middleware.js")])],
    ["symbolon/api: a client, a list and three calls", uses(["createClient, createToken, eachItem, listTokens, revokeToken", from("api.js")])],
  ],
};

console.log("bundles: minified, as an ES module for browsers");
for (const [job, contenders] of Object.entries(bundles)) {
  console.log(`  ${job}`);
  for (const [name, contents] of contenders) {
    const out = await build({
      stdin: { contents, resolveDir: root }, bundle: true, minify: true, format: "esm", write: false, target: "es2022", platform: "browser",
      external: ["node:*", "crypto", "buffer", "util", "constants"], logLevel: "silent",
    });
    const bytes = out.outputFiles[0].contents;
    console.log(`    ${name.padEnd(78)} ${kib(bytes.length)} raw ${kib(gzipSync(bytes, { level: 9 }).length)} gzip`);
  }
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1).padStart(7)} KiB`;
}

const load = (file) => import(pathToFileURL(join(lib, file)).href);
const [full, light, { SoftwareKey, softwareVerify }, { p256 }, jose, hms, nodeCrypto] = await Promise.all([
  load("index.js"), load("webcrypto.js"), load("software.js"), import("@noble/curves/nist.js"), import("jose"), import("http-message-signatures"), import("node:crypto"),
]);

const url = "https://api.example.com/v1/things?limit=10";
const bytes = new TextEncoder().encode("x".repeat(300));
const ECDSA = { name: "ECDSA", hash: "SHA-256" };
const P256 = { name: "ECDSA", namedCurve: "P-256" };
const pair = await full.generateKeyPair({ extractable: true });
const software = await SoftwareKey.generate();
const noble = p256.utils.randomSecretKey();
const noblePublic = p256.getPublicKey(noble);
const joseKeys = await jose.generateKeyPair("ES256");
const pem = await full.exportKey(pair, "pem");
const signer = hms.createSigner(pem, "ecdsa-p256-sha256", "k");
const config = { key: signer, fields: ["@method", "@authority", "@path", "@query"], params: ["created", "keyid"] };
const request = () => new Request(url);
const policy = full.nativePolicy({ maxAgeSeconds: 600, maxLifetimeSeconds: 600, maxAheadSeconds: 5 });
const signed = await full.signRequest(request(), pair, { lifetimeSeconds: 600 });
const verifier = hms.createVerifier(nodeCrypto.createPublicKey(await full.exportKey(pair.publicKey, "pem")), "ecdsa-p256-sha256");
const theirs = await hms.httpbis.signMessage(config, { method: "GET", url, headers: {} });
const raw = await crypto.subtle.sign(ECDSA, pair.privateKey, bytes);
const softSignature = software.sign(bytes);
const nobleSignature = p256.sign(bytes, noble);
const jws = await new jose.CompactSign(bytes).setProtectedHeader({ alg: "ES256" }).sign(joseKeys.privateKey);

const times = {
  "make a key": {
    "WebCrypto, bare": () => crypto.subtle.generateKey(P256, false, ["sign", "verify"]),
    "symbolon": () => full.generateKeyPair(),
    "symbolon, in WebAssembly": async () => (await SoftwareKey.generate()).destroy(),
    "jose": () => jose.generateKeyPair("ES256"),
    "@noble/curves": () => p256.getPublicKey(p256.utils.randomSecretKey()),
  },
  "sign a request": {
    "WebCrypto, bare: 300 bytes": () => crypto.subtle.sign(ECDSA, pair.privateKey, bytes),
    "symbolon": () => full.signRequest(request(), pair),
    "symbolon/webcrypto": () => light.signRequest(request(), pair),
    "symbolon, a key in WebAssembly": () => full.signRequest(request(), software),
    "http-message-signatures": () => hms.httpbis.signMessage(config, { method: "GET", url, headers: {} }),
    "jose: a JWS of 300 bytes": () => new jose.CompactSign(bytes).setProtectedHeader({ alg: "ES256" }).sign(joseKeys.privateKey),
    "@noble/curves: 300 bytes": () => p256.sign(bytes, noble),
    "symbolon/software: 300 bytes": () => software.sign(bytes),
  },
  "verify a request": {
    "WebCrypto, bare: 300 bytes": () => crypto.subtle.verify(ECDSA, pair.publicKey, raw, bytes),
    "symbolon": () => full.verifyRequest(signed, pair.publicKey, { policy }),
    "http-message-signatures": () => hms.httpbis.verifyMessage({ keyLookup: async () => ({ id: "k", algs: ["ecdsa-p256-sha256"], verify: verifier }) }, theirs),
    "jose: a JWS of 300 bytes": () => jose.compactVerify(jws, joseKeys.publicKey),
    "@noble/curves: 300 bytes": () => p256.verify(nobleSignature, bytes, noblePublic),
    "symbolon/software: 300 bytes": () => softwareVerify(software.publicKey("hex"), bytes, softSignature),
  },
};

console.log(`times: median of batches, microseconds, Node ${process.version}`);
for (const [what, contenders] of Object.entries(times)) {
  console.log(`  ${what}`);
  const samples = new Map(Object.keys(contenders).map((name) => [name, []]));
  // In turns, so that what else the machine does meets all of them alike.
  for (let round = 0; round < 12; round += 1) {
    for (const [name, run] of Object.entries(contenders)) {
      const began = performance.now();
      for (let at = 0; at < 20; at += 1) await run();
      if (round > 1) samples.get(name).push(((performance.now() - began) / 20) * 1000);
    }
  }
  for (const [name, found] of samples) {
    found.sort((a, b) => a - b);
    console.log(`    ${name.padEnd(36)} ${found[Math.floor(found.length / 2)].toFixed(0).padStart(7)}`);
  }
}

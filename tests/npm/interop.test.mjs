// Signatures exchanged, both ways, with implementations that are not ours: two of npm, one of PyPI and one of crates.io. GET
// and POST with a body, and every derived component that requests have.

import { equal, ok } from "node:assert/strict";
import { createHash, createPublicKey } from "node:crypto";
import { test } from "node:test";

import { appendSignature, createSignature, verifySignature } from "http-message-sig";
import { createSigner, createVerifier, httpbis } from "http-message-signatures";

import { run } from "./lib.mjs";
import { LIB } from "./package.mjs";

const of = (file) => import(new URL(file, LIB).href);
const { exportKey, generateKeyPair, nativePolicy, signRequest, verifyRequest } = await of("index.js");
const light = await of("webcrypto.js");

const URL_ = "https://api.example.com/v1/things?id=4%202&x=a%2Fb";
const DERIVED = ["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"];
const ECDSA = { name: "ECDSA", hash: "SHA-256" };
const BODY = '{"hello":"world"}';
const DIGEST = `sha-256=:${createHash("sha256").update(BODY).digest("base64")}:`;
const policy = { ...nativePolicy({ maxAgeSeconds: 300, maxLifetimeSeconds: 300, maxAheadSeconds: 60 }), nonce: "optional" };

const pair = await generateKeyPair({ extractable: true });
const keys = { private: await exportKey(pair, "pem"), public: await exportKey(pair.publicKey, "pem") };

const requests = {
  GET: () => new Request(URL_, { headers: { accept: "application/json" } }),
  POST: () => new Request(URL_, { method: "POST", headers: { "content-type": "application/json" }, body: BODY }),
};
const covered = (method) => [...DERIVED, ...(method === "POST" ? ["content-digest", "content-type"] : ["accept"])];
/** What is sent, as plain data, with the digest that a signer covers. */
function plain(method) {
  const headers = method === "POST" ? { "content-type": "application/json", "content-digest": DIGEST } : { accept: "application/json" };
  return { method, url: URL_, headers };
}

/** Each: signs plain data (its headers come back), and verifies plain data. `query`: how it names a query parameter. */
const others = {
  "npm http-message-signatures": {
    query: '@query-param;name="id"',
    sign: async (message, components) =>
      (await httpbis.signMessage({ key: createSigner(keys.private, "ecdsa-p256-sha256", "k"), fields: components, params: ["created", "keyid", "nonce", "tag"], paramValues: { nonce: "n", tag: "symbolon" } }, message)).headers,
    verify: async (message) =>
      httpbis.verifyMessage({ keyLookup: async () => ({ id: "k", algs: ["ecdsa-p256-sha256"], verify: createVerifier(createPublicKey(keys.public), "ecdsa-p256-sha256") }) }, message),
  },
  // Its own signers know no ECDSA; it takes others.
  "npm http-message-sig": {
    // It knows no @query-param.
    query: undefined,
    sign: async ({ method, url, headers }, components) => {
      const fields = await createSignature(
        { kind: "request", method, targetUri: url, requestTarget: url.slice("https://api.example.com".length), fields: Object.entries(headers).map(([name, value]) => ({ name, value })) },
        { label: "sig1", components, parameters: { created: Math.floor(Date.now() / 1000), keyid: "k", nonce: "n", tag: "symbolon" }, signer: { algorithm: "ecdsa-p256-sha256", sign: async (data) => new Uint8Array(await crypto.subtle.sign(ECDSA, pair.privateKey, data)) } },
      );
      return Object.fromEntries(appendSignature(new Headers(headers), fields));
    },
    verify: async ({ method, url, headers }) => {
      const found = await verifySignature(
        { kind: "request", method, targetUri: url, requestTarget: url.slice("https://api.example.com".length), fields: Object.entries(headers).map(([name, value]) => ({ name, value })) },
        { policy: { algorithms: ["ecdsa-p256-sha256"], requiredComponents: ["@method"], requiredParameters: ["created"], maxAge: 300 }, resolveVerifier: () => ({ algorithm: "ecdsa-p256-sha256", verify: (data, signature) => crypto.subtle.verify(ECDSA, pair.publicKey, signature, data) }) },
      );
      return found.components.length > 0;
    },
  },
  "PyPI http-message-signatures": {
    query: '"@query-param";name="id"',
    sign: async (message, components) => python({ do: "sign", ...message, components, private: keys.private }),
    verify: async (message) => (await python({ do: "verify", ...message, public: keys.public })).verified === 1,
  },
  "crate httpsig": {
    query: '"@query-param";name="id"',
    sign: async (message, components) =>
      httpsig({ do: "sign", ...message, components: components.map((name) => (name.startsWith('"') ? name : `"${name}"`)), private: keys.private }),
    verify: async (message) => (await httpsig({ do: "verify", ...message, public: keys.public })).verified,
  },
};

const python = async (task) => {
  ok(process.env.PYTHON, "PYTHON names a Python that has http-message-signatures: cargo xtask test npm sets it");
  return JSON.parse(await run(process.env.PYTHON, ["tests/npm/interop.py"], { input: JSON.stringify(task) }));
};

const httpsig = async (task) => {
  ok(process.env.HTTPSIG, "HTTPSIG names the program of tests/interop: cargo xtask test npm sets it");
  return JSON.parse(await run(process.env.HTTPSIG, [], { input: JSON.stringify(task) }));
};

for (const [name, other] of Object.entries(others)) {
  for (const method of ["GET", "POST"]) {
    const body = method === "POST" ? new TextEncoder().encode(BODY) : null;

    test(`${name} verifies what we sign: ${method}`, async () => {
      const components = [...covered(method), ...(other.query === undefined ? [] : ['"@query-param";name="id"'])];
      for (const sign of [signRequest, light.signRequest]) {
        for (const options of [{}, { components }]) {
          const signed = await sign(requests[method](), pair, options);
          const message = { method, url: URL_, headers: Object.fromEntries(signed.headers) };
          ok(await other.verify(message), JSON.stringify(options));
          const changed = { ...message, url: URL_.replace("things", "thinks") };
          equal(await other.verify(changed).catch(() => false), false, "a changed path is refused");
        }
      }
    });

    test(`we verify what ${name} signs: ${method}`, async () => {
      for (const components of [covered(method), ...(other.query === undefined ? [] : [[...covered(method), other.query]])]) {
        const headers = await other.sign(plain(method), components);
        const received = { method, url: URL_, headers: Object.entries(headers).map(([field, value]) => [field, String(value)]), body };
        const found = await verifyRequest(received, pair.publicKey, { policy });
        equal(found.valid, true, found.reason);
        equal(found.components.length, components.length);
        const changed = await verifyRequest({ ...received, url: URL_.replace("id=4", "id=5") }, pair.publicKey, { policy });
        equal(changed.code, "signature_invalid");
      }
    });
  }
}

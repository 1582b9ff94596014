// What of the package works in a host without WebAssembly, and what the rest says: run by hosts themselves (Node, Deno and
// Bun: `LIB URL SECRET`) and in Chromium under a policy that forbids it. It answers with what it came to.

/** `load(file)` imports a file of the package; `url` and `secret` are a server's, and a token's that may verify. */
export async function withoutWebAssembly({ load, url, secret }) {
  const [full, light, software, api, middleware] = await Promise.all(["index", "webcrypto", "software", "api", "middleware"].map((name) => load(`${name}.js`)));
  const why = (promise) => promise.then(() => "none", (error) => [error instanceof full.SymbolonError, error.name, error.code, error.message]);

  // Keys, signing and the interface of HTTP, by a bearer token and by a key.
  const owner = api.createClient({ url, credential: secret });
  const pair = await light.generateKeyPair();
  const { challenge } = api.unwrap(await api.createChallenge(owner));
  const proof = await light.signChallenge(pair, challenge);
  const body = { kind: "pat", name: "without WebAssembly", scopes: ["read", "verify"], public_key: await light.exportKey(pair.publicKey, "hex"), proof };
  api.unwrap(await api.createToken(owner, { body }));
  const signing = api.createClient({ url, credential: light.signedFetch(pair) });
  const name = api.unwrap(await api.whoAmI(signing)).token.name;

  // Verifying by asking: bearer tokens and signatures, asked for by a bearer token and by a key.
  const origin = "https://api.example";
  const answers = [];
  for (const credential of [secret, light.signedFetch(pair)]) {
    const ask = middleware.guard(middleware.askSymbolon({ url, credential, require: ["api:read"] }), (_, { identity }) => new Response(identity.token.name), { origin });
    const make = (headers) => new Request(`${origin}/things`, { method: "POST", headers, body: "x" });
    for (const request of [make({ authorization: `Bearer ${secret}` }), await light.signRequest(make({}), pair), make({})]) {
      const answer = await ask(request);
      answers.push(answer.status === 200 ? await answer.text() : answer.status);
    }
  }

  // What needs WebAssembly says that it does, and answers neither yes nor no.
  const request = await light.signRequest(new Request(`${origin}/things`), pair);
  const policy = full.nativePolicy({ maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 });
  const offline = middleware.againstKeys({ keys: () => pair.publicKey, policy, replays: undefined });
  const refused = {
    verifyRequest: await why(full.verifyRequest(request, pair.publicKey, { policy })),
    againstKeys: await why(middleware.guard(offline, () => new Response("reached"), { origin })(request)),
    signRequest: await why(full.signRequest(new Request(origin), pair)),
    signedFetch: await why(full.signedFetch(pair)(url)),
    "SoftwareKey.generate": await why(software.SoftwareKey.generate()),
    softwareVerify: await why(software.softwareVerify("00".repeat(64), new Uint8Array(1), new Uint8Array(64))),
    streamDigest: await why(software.streamDigest(new Blob(["x"]))),
  };
  // Neither of these ever did anything with it.
  return { name, answers, refused, token: full.NATIVE_FORMATS.length === light.NATIVE_FORMATS.length };
}

/** What is to come of it, for a token of this name. */
export const expected = (owner) => ({
  name: "without WebAssembly",
  answers: [owner, "without WebAssembly", 401, owner, "without WebAssembly", 401],
});

/** Everything that needs WebAssembly failed with the one error that says what to do. */
export const allUnsupported = (refused) =>
  Object.entries(refused).filter(([, why]) => !(why[0] === true && why[1] === "SymbolonError" && why[2] === "unsupported" && /wasm-unsafe-eval.*symbolon\/webcrypto.*symbolon\/middleware/.test(why[3])));

if (globalThis.process?.argv?.[2] !== undefined) {
  const [lib, url, secret] = globalThis.process.argv.slice(2);
  // Node's own fetch parses HTTP in WebAssembly, which it has started after a first call.
  await (await fetch(`${url}/healthz`)).text();
  delete globalThis.WebAssembly;
  const outcome = await withoutWebAssembly({ load: (file) => import(new URL(file, lib).href), url, secret });
  console.log(JSON.stringify({ ...outcome, absent: typeof WebAssembly }));
}

// The middleware in every runtime, by doubles of what it calls. In its frameworks, and through the real Worker:
// middleware.test.mjs.

/** Fails with both values. */
function equal(actual, expected, what) {
  const [left, right] = [actual, expected].map((value) => JSON.stringify(value));
  if (left !== right) throw new Error(`${what}: ${left}, expected ${right}`);
}

const ORIGIN = "https://api.example";

/** The tests: each has a name and a function that throws. */
export function middlewareTests(middleware, full) {
  const list = [];
  const test = (name, run) => list.push({ name, run });
  const { againstKeys, askSymbolon, guard, honoGuard, memoryOfReplays } = middleware;
  const policy = full.nativePolicy({ maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 });
  const make = (headers = {}) => new Request(`${ORIGIN}/things?x=1`, { method: "POST", headers: { "content-type": "text/plain", ...headers }, body: "a body" });

  test("a guard verifies offline, once, and hands the body on", async () => {
    const pair = await full.generateKeyPair();
    const keys = { [await full.thumbprint(pair)]: pair.publicKey };
    const handler = guard(
      againstKeys({ keys, policy, replays: memoryOfReplays() }),
      async (request, accepted) => Response.json([accepted.via, accepted.signature.bodyCovered, await request.text()]),
      { origin: ORIGIN },
    );
    const signed = await full.signRequest(make(), pair);
    const again = signed.clone();
    equal(await (await handler(signed)).json(), ["signature", true, "a body"], "accepted");
    for (const [request, code] of [
      [again, "replayed"],
      [make(), "missing_credential"],
      [await full.signRequest(make(), await full.generateKeyPair()), "unknown_token"],
    ]) {
      const answer = await handler(request);
      equal([answer.status, (await answer.json()).code], [401, code], code);
    }
  });

  test("a guard asks Symbolon, and sends neither the body nor cookies", async () => {
    const asked = [];
    const answers = [
      { valid: true, code: "ok", token: { name: "t" }, principal: {}, organization: {}, permissions: [], grants: [] },
      { valid: false, code: "revoked" },
    ];
    const fetch = async (url, init) => {
      asked.push([String(url), new Headers(init.headers).get("authorization"), JSON.parse(init.body)]);
      return Response.json(answers.shift() ?? "nonsense");
    };
    const verifier = askSymbolon({ url: "https://tokens.example", credential: "mine", require: ["api:read"], fetch });
    const context = { req: { raw: make({ authorization: "Bearer theirs" }) }, set: (name, value) => (context[name] = value) };
    let reached = 0;
    equal(await honoGuard(verifier, { origin: ORIGIN })(context, async () => { reached += 1; }), undefined, "it passes");
    equal([reached, context.symbolon.identity.token.name], [1, "t"], "and says who it is");
    const plain = guard(verifier, () => new Response("reached"), { origin: ORIGIN });
    equal((await plain(make({ authorization: "Bearer theirs" }))).status, 401, "a refusal");
    equal((await plain(make({ authorization: "Bearer theirs" }))).status, 503, "what is no answer");
    const [url, credential, { request, require }] = asked[0];
    equal([url, credential, require], ["https://tokens.example/v1/verify", "Bearer mine", ["api:read"]], "what is asked");
    equal([request.url, request.headers.authorization, "cookie" in request.headers], [`${ORIGIN}/things?x=1`, ["Bearer theirs"], false], "about what");
    equal(JSON.stringify(asked).includes("a body"), false, "the body stays here");
  });

  return list;
}

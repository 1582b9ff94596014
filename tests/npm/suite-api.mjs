// Tests of the API client that run in every runtime, against a server that answers as it is told.

function equal(actual, expected, what) {
  const text = (value) => JSON.stringify(value) ?? String(value);
  if (text(actual) !== text(expected)) throw new Error(`${what}: ${text(actual)}, expected ${text(expected)}`);
}

const json = (body, status = 200, media = "application/json") => new Response(JSON.stringify(body), { status, headers: { "content-type": media } });
const problem = (status, code, more = {}) => json({ type: `/problems/${code}`, title: "A title.", status, code, ...more }, status, "application/problem+json");

/** A client whose server answers so, and what it was asked. */
function double(api, answer, credential) {
  const asked = [];
  const fetch = async (request) => {
    asked.push({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() });
    return await answer(request, asked.length);
  };
  return { client: api.createClient({ url: "https://tokens.example/", credential, fetch }), asked };
}

export function apiTests(api, full) {
  const list = [];
  const test = (name, run) => list.push({ name: `api: ${name}`, run });

  test("a call is a method, a path, a query, fields and content", async () => {
    const { client, asked } = double(api, () => json({ token: { id: "1" }, secret: "s" }, 201), "sym_pat_mine");
    const created = await api.createToken(client, { body: { kind: "pat", name: "a", scopes: ["read"] }, headers: { "idempotency-key": "once" }, passphrase: "correct horse" });
    equal([created.ok, created.status, created.data.secret], [true, 201, "s"], "the answer");
    const [{ method, url, headers, body }] = asked;
    equal([method, url, body], ["POST", "https://tokens.example/v1/tokens", '{"kind":"pat","name":"a","scopes":["read"]}'], "the request");
    equal(
      ["authorization", "content-type", "idempotency-key", "x-token-passphrase"].map((name) => headers[name]),
      ["Bearer sym_pat_mine", "application/json", "once", "correct horse"],
      "fields",
    );
    await api.listTokens(client, { query: { q: "a b&c", status: "active", limit: 5 } });
    equal(asked[1].url, "https://tokens.example/v1/tokens?q=a+b%26c&status=active&limit=5", "a query");
    await api.readToken(client, { path: { id: "a/b?c" } });
    equal(asked[2].url, "https://tokens.example/v1/tokens/a%2Fb%3Fc", "a path");
    await api.revokeSelf(client, { body: { token: "a b" } });
    equal([asked[3].headers["content-type"], asked[3].body], ["application/x-www-form-urlencoded", "token=a+b"], "a form");
  });

  test("nothing that is given leads to another call", async () => {
    const { client, asked } = double(api, () => json({}));
    for (const id of ["", ".", ".."]) {
      const error = await api.readToken(client, { path: { id } }).then(() => undefined, (caught) => caught);
      equal([error instanceof api.ApiError, error?.code], [true, "invalid_request"], `the id ${id}`);
    }
    equal(asked.length, 0, "nothing was sent");
  });

  test("a server is known by its origin", () => {
    for (const url of ["tokens.example", "ftp://tokens.example", "https://tokens.example/base", "https://tokens.example/?a", undefined]) {
      let caught;
      try { api.createClient({ url }); } catch (error) { caught = error; }
      equal([caught instanceof full.SymbolonError, caught?.code], [true, "invalid_request"], `${url}`);
    }
    for (const url of ["https://tokens.example", "https://tokens.example/", new URL("http://localhost:8787")]) api.createClient({ url });
  });

  test("a refusal is a result with the server's code", async () => {
    const answers = [
      [problem(401, "revoked"), "revoked", 401],
      [problem(403, "insufficient_permission", { required: "tokens:create" }), "insufficient_permission", 403],
      [problem(429, "rate_limited", { retry_after: 7 }), "rate_limited", 429],
      [json({ error: "authorization_pending", error_description: "Wait." }, 400), "oauth_refused", 400],
      [new Response("<h1>no</h1>", { status: 502, headers: { "content-type": "text/html" } }), "unexpected_answer", 502],
      [new Response("<h1>welcome</h1>", { status: 200, headers: { "content-type": "text/html" } }), "unexpected_answer", 200],
      [new Response("welcome", { status: 200 }), "unexpected_answer", 200],
      [new Response(null, { status: 200 }), "unexpected_answer", 200],
      [new Response("{", { status: 200, headers: { "content-type": "application/json" } }), "unexpected_answer", 200],
      [new Response(null, { status: 302, headers: { location: "https://elsewhere.example/" } }), "redirect_refused", 302],
    ];
    for (const [answer, code, status] of answers) {
      const { client } = double(api, () => answer, "sym_pat_mine");
      const result = await api.whoAmI(client);
      equal([result.ok, result.code, result.error.code, result.error.status], [false, code, code, status], code);
      equal(result.error instanceof full.SymbolonError, true, "one class above all");
      equal(String(result.error.stack).includes("sym_pat_mine"), false, "the secret is in no error");
      if (code === "rate_limited") equal(result.error.retryAfterSeconds, 7, "when to try again");
      if (code === "insufficient_permission") equal(result.error.problem.required, "tokens:create", "what it needs");
      if (code === "oauth_refused") equal(result.error.oauth, "authorization_pending", "the error of RFC 6749");
      let thrown;
      try { api.unwrap(result); } catch (error) { thrown = error; }
      equal(thrown === result.error, true, "unwrap throws it");
    }
  });

  test("no answer is a result too, and an abort is thrown", async () => {
    const { client } = double(api, () => { throw new TypeError("connection refused"); });
    const result = await api.whoAmI(client);
    equal([result.ok, result.code], [false, "unreachable"], "no answer");
    const controller = new AbortController();
    const waiting = double(api, () => { controller.abort(new Error("enough")); throw new TypeError("aborted"); });
    const thrown = await api.whoAmI(waiting.client, { signal: controller.signal }).then(() => undefined, (error) => error.message);
    equal(thrown, "enough", "what the signal says");
  });

  test("items come page after page, and no page that is not wanted", async () => {
    const pages = [{ items: [1, 2], next_cursor: "b" }, { items: [], next_cursor: "c" }, { items: [3], next_cursor: null }];
    const { client, asked } = double(api, (_, turn) => json(pages[turn - 1] ?? { items: [4] }));
    const found = [];
    for await (const item of api.eachItem(api.listTokens, client, { query: { q: "x" } })) found.push(item);
    equal(found, [1, 2, 3], "the items");
    equal(asked.map(({ url }) => new URL(url).search), ["?q=x", "?q=x&cursor=b", "?q=x&cursor=c"], "the cursors");
    const few = double(api, () => json({ items: [1, 2], next_cursor: "b" }));
    for await (const item of api.eachItem(api.listTokens, few.client, {})) if (item === 1) break;
    equal(few.asked.length, 1, "whoever stops asks no more");
    const broken = double(api, () => problem(401, "expired"));
    const error = await api.eachItem(api.listTokens, broken.client, {}).next().then(() => undefined, (caught) => caught);
    equal([error instanceof api.ApiError, error.code], [true, "expired"], "a page that cannot be had");
  });

  test("a key signs instead of a token", async () => {
    const pair = await full.generateKeyPair();
    let seen;
    const credential = full.signedFetch(pair, { fetch: async (request) => { seen = request; return json({ permissions: [] }); } });
    const client = api.createClient({ url: "https://tokens.example", credential });
    equal((await api.createMember(client, { body: { name: "a", email: "a@b.example", role: "viewer" } })).ok, true, "it is answered");
    equal([seen.headers.has("authorization"), seen.headers.has("signature"), seen.headers.has("content-digest")], [false, true, true], "it is signed");
    const policy = full.nativePolicy({ maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 });
    equal((await full.verifyRequest(seen, pair.publicKey, { policy })).valid, true, "the signature is valid");
  });

  return list;
}

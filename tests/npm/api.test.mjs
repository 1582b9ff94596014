// The API client against the real Worker, in a fresh project that installs the package: its example, its types, its size.

import { equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { ROOT, project, run, symbolon } from "./lib.mjs";
import { LIB } from "./package.mjs";

const api = await import(new URL("api.js", LIB).href);
const full = await import(new URL("index.js", LIB).href);

test("the example of docs/npm.md", async (t) => {
  const { url, secret } = await symbolon(t);
  const found = /^```js api\n(.*?)^```/ms.exec(readFileSync(join(ROOT, "docs/npm.md"), "utf8"));
  ok(found, "docs/npm.md has an example of the API client");
  const lines = found[1].split("\n");
  const imports = lines.filter((line) => line.startsWith("import "));
  const rest = lines.filter((line) => !line.startsWith("import "));
  const folder = await project(t, { "example.mjs": [...imports, "const [url, token] = process.argv.slice(2);", ...rest].join("\n") });
  const out = await run("node", ["example.mjs", url, secret], { cwd: folder });
  match(out, /^Ada may .*tokens/m);
  match(out, /^nightly build ends /m);
  match(out, /^revoked, everywhere since 20/m);
});

test("a token's life, by a bearer token and by a key", async (t) => {
  const { url, secret } = await symbolon(t);
  const owner = api.createClient({ url, credential: secret });
  const pair = await full.generateKeyPair();
  const { challenge } = api.unwrap(await api.createChallenge(owner));
  api.unwrap(await api.createToken(owner, {
    body: { kind: "pat", name: "by key", scopes: ["read", "manage"], public_key: await full.exportKey(pair.publicKey, "hex"), proof: await full.signChallenge(pair, challenge) },
  }));
  const client = api.createClient({ url, credential: full.signedFetch(pair) });
  equal(api.unwrap(await api.whoAmI(client)).token.name, "by key");

  const body = { kind: "key", name: "made", permissions: ["api:read"], expires_at: new Date(Date.now() + 86_400_000).toISOString() };
  const headers = { "idempotency-key": "the-same" };
  const first = api.unwrap(await api.createToken(client, { body, headers }));
  const again = api.unwrap(await api.createToken(client, { body, headers }));
  equal(again.token.id, first.token.id);
  equal(typeof first.secret, "string");
  equal(again.secret ?? null, null, "shown once");
  const path = { id: first.token.id };
  equal(api.unwrap(await api.editToken(client, { path, body: { name: "renamed" } })).name, "renamed");
  const rotated = api.unwrap(await api.rotateToken(client, { path, body: {} }));
  const verdict = api.unwrap(await api.verify(owner, { body: { credential: rotated.secret, require: ["api:read"] } }));
  equal([verdict.valid, verdict.code, verdict.token.name].join(), "true,ok,renamed");

  const names = [];
  for await (const token of api.eachItem(api.listTokens, client, { query: { limit: 1, sort: "name" } })) names.push(token.name);
  ok(names.length >= 3 && names.includes("renamed"), names.join());
  const revoked = api.unwrap(await api.revokeToken(client, { path }));
  equal(revoked.status, "revoked");
  const late = await api.whoAmI(api.createClient({ url, credential: rotated.secret }));
  equal([late.ok, late.code].join(), "false,revoked");
  const wrong = await api.createToken(client, { body: { ...body, kind: "nothing" } });
  equal(wrong.code, "invalid_request");
  equal(wrong.error.problem.errors[0].field, "kind");
  equal((await api.readToken(client, { path: { id: "nothing" } })).code, "not_found");
  match(api.unwrap(await api.exportActivity(client)), /"action":"token\.create"/);
});

test("types: a strict project compiles against it, and what is wrong does not", async (t) => {
  const source = `
    import { type ApiResult, type Code, type CreatedToken, type Token, ApiError, createClient, createToken, eachItem, listTokens, readToken, unwrap, whoAmI } from "symbolon/api";
    const client = createClient({ url: "https://tokens.example", credential: "sym_pat_x" });
    const result: ApiResult<CreatedToken> = await createToken(client, { body: { kind: "pat", name: "a", scopes: ["read"] } });
    if (result.ok) { const token: Token = result.data.token; void token; } else { const code: string = result.code; const error: ApiError = result.error; void code; void error; }
    // @ts-expect-error a refusal has no data
    if (!result.ok) void result.data;
    // @ts-expect-error a kind is required
    await createToken(client, { body: { name: "a" } });
    // @ts-expect-error there is no such field
    await createToken(client, { body: { kind: "pat", name: "a", nonsense: true } });
    // @ts-expect-error an id is required
    await readToken(client, {});
    for await (const token of eachItem(listTokens, client, { query: { limit: 10 } })) { const name: string = token.name; void name; }
    const me = unwrap(await whoAmI(client));
    if (me.principal.type === "member") { const email: string = me.principal.email; void email; }
    // @ts-expect-error a token of the organisation has no address
    else void me.principal.email;
    const status: "active" | "inactive" | "expired" | "revoked" | "locked" = unwrap(await readToken(client, { path: { id: "x" } })).status;
    const code: Code = "revoked"; void code; void status;
  `;
  for (const resolution of [{ module: "nodenext" }, { module: "esnext", moduleResolution: "bundler" }]) {
    const options = { strict: true, noEmit: true, target: "es2022", lib: ["es2022", "dom", "dom.iterable"], types: [], exactOptionalPropertyTypes: true, ...resolution };
    const folder = await project(t, { "consumer.ts": source, "tsconfig.json": JSON.stringify({ compilerOptions: options }) });
    await run("tsc", ["--project", "."], { cwd: folder });
  }
  const types = readFileSync(new URL("api/generated.d.ts", LIB), "utf8").replace(/\/\*\*.*?\*\//gs, "").replace(/"[^"]*"/g, "");
  ok(!/\bany\b/.test(types), "no any");
});

test("a bundle holds the calls that it uses", async (t) => {
  const folder = await project(t, {});
  const bundle = async (contents) => {
    const out = await build({ stdin: { contents, resolveDir: folder }, bundle: true, minify: true, format: "esm", write: false, logLevel: "silent" });
    return out.outputFiles[0].text;
  };
  const one = await bundle('import { createClient, whoAmI } from "symbolon/api"; console.log(createClient, whoAmI);');
  equal(one.match(/"\/v1\/[a-z/{}-]+"/g).join(), '"/v1/whoami"');
  ok(!one.includes("@signature-params"), "no signing");
  ok(one.length < 6 * 1024, `${one.length} bytes`);
  equal(await bundle('import "symbolon/api";'), "");
});

test("every call of the document that a program can make has a function", async () => {
  const document = JSON.parse(readFileSync(join(ROOT, "dist/npm/openapi.json"), "utf8"));
  const missing = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      // Clients of other systems make theirs.
      if (/^\/(?:api|orchestrator)\//.test(path)) continue;
      const bearer = operation.security?.some((one) => "bearer" in one);
      if (bearer && typeof api[operation.operationId] !== "function") missing.push(`${method} ${path}`);
    }
  }
  equal(missing.join(), "");
});

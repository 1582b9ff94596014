// HarborGuard's, Devtron's and DevGuard's calls, sent by curl as their documents write them.
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { launch, until } from "./lib/product.mjs";

/** Runs curl; `{status, json}`. */
async function curl(product, ...words) {
  const args = ["-sS", "-w", "\n%{http_code}", ...words.map((word) => word.replace("$BASE", product.url()))];
  const { stdout } = await promisify(execFile)("curl", args);
  const [, text, status] = /^([\s\S]*)\n(\d+)$/u.exec(stdout);
  return { status: Number(status), json: text === "" ? undefined : JSON.parse(text), text };
}

/** A time that every client reads, as RFC 3339 writes it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/u;

const json = (body) => ["-H", "Content-Type: application/json", "-d", JSON.stringify(body)];

test("HarborGuard's calls work with curl", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "harborguard" });
  const key = ["-H", `X-API-Key: ${owner.secret}`];
  const bearer = ["-H", `Authorization: Bearer ${owner.secret}`];

  const made = await curl(product, "-X", "POST", "$BASE/api/personal-access-tokens", ...key, ...json({ name: "laptop-cli", expiresAt: new Date(Date.now() + 86_400_000).toISOString() }));
  assert.equal(made.status, 201, made.text);
  assert.match(made.json.data.token, /^hg_pat_[0-9a-f]{48}$/u);
  assert.equal(made.json.data.prefix, made.json.data.token.slice(0, 10));
  const personal = await curl(product, "$BASE/api/personal-access-tokens", ...key);
  const mine = personal.json.data.find(({ name }) => name === "laptop-cli");
  assert.deepEqual([personal.status, mine.prefix], [200, made.json.data.prefix]);
  assert.ok(TIME.test(mine.expiresAt) && TIME.test(mine.createdAt), personal.text);
  assert.ok(!personal.text.includes(made.json.data.token), "shown once");
  const service = await curl(product, "-X", "POST", "$BASE/api/api-keys", ...bearer, ...json({ name: "pipeline", role: "ci" }));
  assert.equal(service.status, 201, service.text);
  assert.match(service.json.data.token, /^hg_ak_[0-9a-f]{48}$/u);

  const list = await curl(product, "$BASE/api/api-keys", ...bearer);
  assert.deepEqual(list.json.data.map(({ name, role }) => [name, role]), [["pipeline", "ci"]]);
  assert.ok(!list.text.includes(service.json.data.token), "shown once");
  for (const item of list.json.data) assert.match(item.createdAt, TIME);
  // What it may not is another answer than to be nobody.
  const pipeline = ["-H", `X-API-Key: ${service.json.data.token}`];
  const known = await curl(product, "-X", "POST", "$BASE/api/api-keys", ...pipeline, ...json({ name: "more", role: "viewer" }));
  assert.deepEqual([known.status, known.json.error.code], [403, "FORBIDDEN"]);

  const deleted = await curl(product, "-X", "DELETE", `$BASE/api/api-keys/${service.json.data.id}`, ...key);
  assert.equal(deleted.status, 200, deleted.text);
  const refused = await curl(product, "$BASE/api/api-keys", "-H", `X-API-Key: ${service.json.data.token}`);
  assert.deepEqual([refused.status, refused.json.error.code], [401, "UNAUTHORIZED"]);

  const nobody = await curl(product, "$BASE/api/personal-access-tokens");
  assert.deepEqual([nobody.status, nobody.json.error.code], [401, "UNAUTHORIZED"]);
  const wrong = await curl(product, "-X", "POST", "$BASE/api/api-keys", ...key, ...json({ name: "", role: "emperor" }));
  assert.deepEqual([wrong.status, wrong.json.error.code], [400, "VALIDATION_ERROR"]);
  assert.deepEqual(wrong.json.error.issues.map(({ path }) => path[0]).toSorted(), ["name", "role"]);
  const inherited = await curl(product, "-X", "POST", "$BASE/api/api-keys", "-H", `X-API-Key: ${made.json.data.token}`, ...json({ name: "mine", role: "viewer" }));
  assert.equal(inherited.status, 201, "a personal token may what its owner may");
  const gone = await curl(product, "-X", "DELETE", `$BASE/api/personal-access-tokens/${made.json.data.id}`, ...bearer);
  assert.equal(gone.status, 200, gone.text);
  const ended = await curl(product, "$BASE/api/personal-access-tokens", "-H", `X-API-Key: ${made.json.data.token}`);
  assert.deepEqual([ended.status, ended.json.error.code], [401, "UNAUTHORIZED"]);
  // Ten creations in a minute, the refused ones counted.
  let limited;
  for (let n = 0; n < 10 && limited?.status !== 429; n += 1) {
    limited = await curl(product, "-X", "POST", "$BASE/api/api-keys", ...key, ...json({ name: "", role: "ci" }));
  }
  assert.equal(limited.json.error.code, "RATE_LIMITED");
});

test("Devtron's calls work with curl", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "devtron" });
  const token = ["-H", `token: ${owner.secret}`];
  const made = await curl(product, "-X", "POST", "$BASE/orchestrator/api-token", ...token, ...json({ name: "ci-build", description: "builds", expireAtInMs: 0 }));
  assert.deepEqual([made.status, made.json.code, made.json.result.success], [200, 200, true], made.text);
  assert.match(made.json.result.token, /^dtr_[0-9A-Za-z]{48}$/u);

  const list = await curl(product, "$BASE/orchestrator/api-token", "-H", `api-token: ${owner.secret}`);
  const item = list.json.result.find(({ name }) => name === "ci-build");
  assert.deepEqual([item.expireAtInMs, item.description, Number.isInteger(item.id)], [0, "builds", true]);
  const path = `$BASE/orchestrator/api-token/${item.id}`;
  const expireAtInMs = Date.now() + 86_400_000;
  const renewed = await curl(product, "-X", "PUT", path, ...token, ...json({ description: "builds", expireAtInMs }));
  assert.match(renewed.json.result.token, /^dtr_/u);
  assert.notEqual(renewed.json.result.token, made.json.result.token);
  const same = await curl(product, "-X", "PUT", path, ...token, ...json({ description: "more", expireAtInMs }));
  assert.deepEqual(same.json.result, { success: true });
  const old = await curl(product, "$BASE/orchestrator/api-token", "-H", `token: ${made.json.result.token}`);
  assert.deepEqual([old.status, old.json.code, old.json.status], [401, 401, "Unauthorized"]);
  const none = await curl(product, "$BASE/orchestrator/api-token", "-H", `token: ${renewed.json.result.token}`);
  assert.deepEqual([none.status, none.json.result], [200, []], "it permits nothing yet, so it sees none");
  const narrow = await curl(product, "-X", "POST", "$BASE/orchestrator/api-token", "-H", `token: ${renewed.json.result.token}`, ...json({ name: "another", expireAtInMs: 0 }));
  assert.deepEqual([narrow.status, narrow.json.code, narrow.json.errors[0].code], [403, 403, "insufficient_permission"]);

  assert.deepEqual((await curl(product, "-X", "DELETE", path, ...token)).json.result, { success: true });
  assert.equal((await curl(product, "-X", "DELETE", path, ...token)).status, 404);
  const again = await curl(product, "-X", "POST", "$BASE/orchestrator/api-token", ...token, ...json({ name: "ci-build", description: "", expireAtInMs: 0 }));
  assert.equal(again.status, 200, again.text);
  const listed = (await curl(product, "$BASE/orchestrator/api-token", ...token)).json.result.find(({ name }) => name === "ci-build");
  assert.ok(listed.id > item.id, "numbers are never used again");
  const dead = await curl(product, "$BASE/orchestrator/api-token", "-H", `token: ${renewed.json.result.token}`);
  assert.equal(dead.status, 401, "a reused name revives nothing");
});

test("DevGuard's calls work with curl, with and without a slash at the end", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "devguard" });
  const bearer = ["-H", `Authorization: Bearer ${owner.secret}`];
  const body = { description: "scanner", scopes: "scan", expiryDateUnix: Math.floor(Date.now() / 1000) + 3600 };
  for (const slash of ["", "/"]) {
    const made = await curl(product, "-X", "POST", `$BASE/api/v1/pats${slash}`, ...bearer, ...json(body));
    assert.equal(made.status, 200, made.text);
    assert.match(made.json.bearerToken, /^dvg_[0-9a-f]{64}$/u);
    const me = await curl(product, `$BASE/api/v1/whoami${slash}`, "-H", `Authorization: Bearer ${made.json.bearerToken}`);
    assert.deepEqual([me.status, me.json.actorType], [200, "user"]);
    assert.equal((await curl(product, "-X", "DELETE", `$BASE/api/v1/pats/${made.json.id}${slash}`, ...bearer)).status, 200);
    assert.equal((await curl(product, "-X", "DELETE", `$BASE/api/v1/pats/${made.json.id}${slash}`, ...bearer)).status, 404);
  }
  const list = await curl(product, "$BASE/api/v1/pats/", ...bearer);
  assert.ok(Array.isArray(list.json));
  assert.ok(list.json.every((item) => !("bearerToken" in item)));
});

test("Devtron's list tells who used a token last, when and from where, and when it last changed", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "devtron" });
  const token = ["-H", `token: ${owner.secret}`];
  const made = await curl(product, "-X", "POST", "$BASE/orchestrator/api-token", ...token, ...json({ name: "ci-build", description: "builds", expireAtInMs: 0 }));
  assert.deepEqual(Object.keys(made.json.result).toSorted(), ["success", "token", "userId", "userIdentifier"]);
  const secret = made.json.result.token;
  const listed = async () => (await curl(product, "$BASE/orchestrator/api-token", ...token)).json.result.find(({ name }) => name === "ci-build");
  const unused = await listed();
  assert.deepEqual(Object.keys(unused), ["id", "userId", "userIdentifier", "name", "description", "expireAtInMs", "lastUsedAt", "lastUsedByIp", "updatedAt"]);
  assert.deepEqual([unused.userIdentifier, unused.userId, unused.lastUsedAt, unused.lastUsedByIp], ["API-TOKEN:ci-build", made.json.result.userId, "", ""]);
  assert.match(unused.updatedAt, TIME);

  // What was made without permissions gets some, in place.
  const me = async () => (await product.send({ path: "/v1/whoami", headers: { token: secret, "cf-connecting-ip": "192.0.2.7" } })).json;
  const [{ token: { id }, permissions }, grants] = [await me(), [{ permission: "apps:trigger", resource: "team-a/*/checkout" }]];
  assert.deepEqual(permissions, []);
  product.clock.advance(60);
  const patched = await product.send({ method: "PATCH", path: `/v1/tokens/${id}`, headers: { token: owner.secret }, body: { grants } });
  assert.deepEqual([patched.status, patched.json.grants], [200, grants], patched.text);
  const verify = async (resource) =>
    (await product.send({ method: "POST", path: "/v1/verify", headers: { token: owner.secret }, body: { credential: secret, require: ["apps:trigger"], resource } })).json.code;
  product.clock.advance(3);
  assert.deepEqual([await verify("team-a/prod/checkout"), await verify("team-b/prod/checkout")], ["ok", "insufficient_permission"]);
  const used = await until("its use is counted", async () => {
    await me();
    const item = await listed();
    return item.lastUsedAt !== "" && item.lastUsedByIp !== "" && item;
  });
  assert.match(used.lastUsedAt, TIME);
  assert.equal(used.lastUsedByIp, "192.0.2.7");
  assert.ok(Date.parse(used.updatedAt) >= Date.parse(unused.updatedAt) + 60_000, `${unused.updatedAt}, then ${used.updatedAt}`);
  assert.equal((await listed()).updatedAt, used.updatedAt, "use is no change");
});

test("DevGuard's items have its fields and no others", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "devguard" });
  const bearer = ["-H", `Authorization: Bearer ${owner.secret}`];
  const body = { description: "scanner", scopes: "scan manage", expiryDateUnix: Math.floor(Date.now() / 1000) + 3600 };
  const made = await curl(product, "-X", "POST", "$BASE/api/v1/pats/", ...bearer, ...json(body));
  const fields = ["createdAt", "description", "expiryDateUnix", "fingerprint", "id", "lastUsedAt", "scopes"];
  assert.deepEqual(Object.keys(made.json).toSorted(), ["bearerToken", ...fields]);
  const [listed] = (await curl(product, "$BASE/api/v1/pats/", ...bearer)).json.filter(({ id }) => id === made.json.id);
  assert.deepEqual(Object.keys(listed).toSorted(), fields, "the secret is in the answer that made it alone");
  assert.deepEqual([listed.description, listed.expiryDateUnix, listed.fingerprint, listed.lastUsedAt], ["scanner", body.expiryDateUnix, null, null]);
  assert.deepEqual(listed.scopes.split(" ").toSorted(), ["manage", "scan"]);
  assert.match(listed.createdAt, TIME);
  const shown = await product.send({ path: `/v1/tokens/${made.json.id}`, token: owner.secret });
  assert.deepEqual([shown.json.name, shown.json.description], ["scanner", null], "its description is the token's name");
  const me = await curl(product, "$BASE/api/v1/whoami/", "-H", `Authorization: Bearer ${made.json.bearerToken}`);
  assert.deepEqual([me.status, me.json], [200, { actorId: owner.owner.id, actorType: "user" }]);
  const used = await until("its use is counted", async () => {
    const list = await curl(product, "$BASE/api/v1/pats/", ...bearer);
    return list.json.find(({ id }) => id === made.json.id).lastUsedAt;
  });
  assert.match(used, TIME);
});

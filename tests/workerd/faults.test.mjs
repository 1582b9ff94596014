// What happens when something breaks: a trap in WebAssembly, a killed workerd, an authority that cannot be reached.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folderOf } from "../../xtask/js/instance.mjs";
import { GATEWAY, assertProblem, launch, until } from "./lib/product.mjs";

test("a trap in the gate spoils that request; those beside it are answered, those after it are served", async (t) => {
  const product = await launch(t);
  const { secret } = await product.setup();
  const before = await product.create(secret, { kind: "pat", name: "before", scopes: ["read"] });
  const who = () => product.send({ path: "/v1/whoami", token: before.secret });
  for (let round = 0; round < 5; round += 1) {
    // All under way in one instance when it traps.
    const beside = Array.from({ length: 12 }, who);
    const trapped = product.send({ path: "/__test/trap/gate" });
    const more = Array.from({ length: 4 }, who);
    assertProblem(await trapped, 500, "internal");
    for (const response of await Promise.all([...beside, ...more])) {
      if (response.status !== 200) assertProblem(response, 500, "internal");
    }
    assert.equal((await who()).status, 200);
  }
  assert.ok(product.logged.some((line) => line.includes('"where":"gate"') && line.includes('"event":"trap"')));
  assert.ok(!product.logged.join("\n").includes(before.secret));
});

test("a trap in an authority loses nothing that was committed", async (t) => {
  const product = await launch(t);
  const { secret, organization } = await product.setup();
  const kept = await product.create(secret, { kind: "pat", name: "kept", scopes: ["read"] });
  for (const run of ["trap", "trap-in-transaction"]) {
    const beside = Array.from({ length: 6 }, () => product.send({ path: "/v1/whoami", token: kept.secret }));
    const trapped = await product.inObject("organization", organization.short_id, run);
    assert.equal(trapped.status, 500);
    for (const response of await Promise.all(beside)) {
      assert.ok(response.status === 200 || response.status === 503 || response.status === 500, response.text);
    }
    const after = await until("the authority answers again", async () => {
      const response = await product.send({ path: "/v1/whoami", token: kept.secret });
      return response.status === 200 && response;
    });
    assert.equal(after.json.token.id, kept.token.id);
    const tables = JSON.parse((await product.inObject("organization", organization.short_id, "tables")).text);
    assert.ok(!tables.includes("trapped"), "what the transaction wrote is taken back");
  }
  const list = await product.send({ path: "/v1/tokens", token: secret });
  assert.ok(list.json.items.some(({ name }) => name === "kept"));
});

test("under lasting traffic nothing is left under way, and an alarm waits for no timer", async (t) => {
  const product = await launch(t);
  const builtin = readFileSync(new URL("../../profiles/symbolon.toml", import.meta.url), "utf8");
  const leases = "\n[leases]\nlease_millis = 100\nbusy_lease_millis = 100\n";
  const { secret, organization } = await product.setup({ profile: builtin + leases });
  const used = await product.create(secret, { kind: "pat", name: "used", scopes: ["read"] });
  const inObject = async (run) => {
    const response = await product.inObject("organization", organization.short_id, run);
    assert.equal(response.status, 200, response.text);
    return response.text;
  };
  // Leases of 100 ms, a margin of 500: a dozen timers, one after the other.
  const until = Date.now() + 8_000;
  while (Date.now() < until) {
    for (let index = 0; index < 10; index += 1) {
      assert.equal((await product.send({ path: "/v1/whoami", token: used.secret })).status, 200);
    }
    assert.ok(Number(await inObject("under-way")) <= 3, "a timer, and what a request has just begun");
  }
  // A fresh object, whose first event is the alarm, while a change waits for what the former one said.
  assert.equal((await product.inObject("organization", organization.short_id, "trap")).status, 500);
  const alarm = inObject("alarm");
  const revoked = product.send({ method: "DELETE", path: `/v1/tokens/${used.token.id}`, token: secret });
  const first = await Promise.race([alarm.then(() => "alarm"), revoked.then(() => "change")]);
  assert.equal(first, "alarm");
  assert.equal((await revoked).status, 200);
});

test("nothing is lost when workerd is killed and started again", async (t) => {
  const product = await launch(t, { data: "folder", origin: () => new Response("origin") });
  const owner = await product.setup();
  const living = await product.create(owner.secret, { kind: "pat", name: "living", scopes: ["read"] });
  const dead = await product.create(owner.secret, { kind: "key", name: "dead", scopes: ["read"] });
  const revoked = await product.send({ method: "DELETE", path: `/v1/tokens/${dead.token.id}`, token: owner.secret });
  assert.equal(revoked.status, 200, revoked.text);
  const routes = { routes: [{ method: "GET", path: "/x", permission: "api:read" }] };
  assert.equal((await product.send({ method: "PUT", path: "/v1/routes", token: owner.secret, body: routes })).status, 200);
  await product.restart();
  assert.equal((await product.send({ path: "/v1/whoami", token: living.secret })).status, 200);
  assertProblem(await product.send({ path: "/v1/whoami", token: dead.secret }), 401, "revoked");
  assert.equal((await product.send({ path: "/x", host: GATEWAY, token: living.secret })).text, "origin");
  const tokens = await product.send({ path: "/v1/tokens", token: owner.secret });
  assert.deepEqual(new Set(tokens.json.items.map(({ id }) => id)), new Set([owner.token.id, living.token.id, dead.token.id]));
  const activity = await product.send({ path: "/v1/activity/verify", token: owner.secret });
  assert.equal(activity.status, 200, activity.text);
});

/** A Worker whose Durable Objects answer nobody. */
const stopped = {
  name: "stopped",
  modules: true,
  script: `import { DurableObject } from "cloudflare:workers";
    class Stopped extends DurableObject { async ask() { throw new Error("stopped"); } }
    export { Stopped as Organization, Stopped as Instance, Stopped as Locator, Stopped as Replay, Stopped as Login };
    export default { fetch: () => new Response(null, { status: 404 }) };`,
  compatibilityDate: "2026-10-01",
  durableObjects: { O: object("Organization"), I: object("Instance"), L: object("Locator"), R: object("Replay"), G: object("Login") },
};

function object(className) {
  return { className, useSQLite: true };
}

test("with the authority stopped, a kind that is eventual verifies from the directory, and no other does", async (t) => {
  const product = await launch(t, { data: "folder" });
  const builtin = readFileSync(new URL("../../profiles/symbolon.toml", import.meta.url), "utf8");
  const profile = builtin.replace("[kinds.pat]\n", '[kinds.pat]\nfreshness = "eventual"\n');
  assert.notEqual(profile, builtin);
  const owner = await product.setup({ profile });
  const eventual = await product.create(owner.secret, { kind: "pat", name: "eventual", scopes: ["read"] });
  const immediate = await product.create(owner.secret, { kind: "key", name: "immediate", scopes: ["read"] });
  const revoked = await product.create(owner.secret, { kind: "pat", name: "revoked", scopes: ["read"] });
  const gone = await product.send({ method: "DELETE", path: `/v1/tokens/${revoked.token.id}`, token: owner.secret });
  assert.equal(gone.status, 200, gone.text);
  assert.equal(gone.json.holds_everywhere_at, null, "nobody can say when it holds");
  const directory = await product.directory();
  const key = (secret) => `d:${createHash("sha256").update(secret).digest("hex")}`;
  for (const { secret } of [owner, eventual, immediate]) {
    await until("the directory has the record", () => directory.get(key(secret)));
  }
  await until("the directory has the revocation", async () => (await directory.get(key(revoked.secret)))?.includes('"revoked"'));

  await product.restart({ extra: { objectsOf: "stopped" }, workers: [stopped] });
  const verify = (credential) => product.send({ method: "POST", path: "/v1/verify", token: owner.secret, body: { credential } });
  const good = await verify(eventual.secret);
  assert.deepEqual([good.status, good.json.valid, good.json.token?.id], [200, true, eventual.token.id], good.text);
  const ended = await verify(revoked.secret);
  assert.deepEqual([ended.json.valid, ended.json.code], [false, "revoked"]);
  for (const refused of [await verify(immediate.secret), await product.send({ path: "/v1/whoami", token: eventual.secret })]) {
    assertProblem(refused, 503, "authority_unavailable");
    assert.match(refused.headers["retry-after"], /^\d+$/u);
  }
});

test("the Worker that is deployed has no test hooks", () => {
  const script = readFileSync(join(folderOf("worker"), "index.js"), "utf8");
  const wasm = readFileSync(join(folderOf("worker"), "symbolon.wasm"), "latin1");
  for (const marker of ["__test", "TEST_CLOCK", "test_trap"]) assert.ok(!script.includes(marker), marker);
  for (const marker of ["test_trap", "on purpose"]) assert.ok(!wasm.includes(marker), marker);
  // The markers are what the test build has.
  assert.ok(readFileSync(join(folderOf("worker-test"), "index.js"), "utf8").includes("__test"));
  assert.ok(readFileSync(join(folderOf("worker-test"), "symbolon.wasm"), "latin1").includes("test_trap"));
});

// The rules of the five systems over HTTP: what can be made, by whom, with what, how it may be changed, and what it may
// do then. docs/systems.md says which sentence each of these shows.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { Browser } from "./lib/passkey.mjs";
import { assertProblem, launch } from "./lib/product.mjs";

/** An organisation of a profile, and the calls that these tests make. */
async function organization(t, profile, options) {
  const product = await launch(t, options);
  const owner = await product.setup({ profile });
  let created = 0;
  const world = {
    product,
    owner,
    call: (method, path, token, body) => product.send({ method, path, token, body }),
    /** Asks for a token; ten may be made in a minute. */
    ask: (token, body) => {
      created += 1;
      if (created % 9 === 0) product.clock.advance(61);
      return world.call("POST", "/v1/tokens", token, body);
    },
    make: async (token, body) => {
      const made = await world.ask(token, body);
      assert.equal(made.status, 201, `${JSON.stringify(body)}: ${made.text}`);
      return made.json;
    },
    /** What a creation comes to: "ok", the code, or the fields at fault. */
    outcome: async (token, body) => outcome(await world.ask(token, body)),
    edit: async (token, id, body) => outcome(await world.call("PATCH", `/v1/tokens/${id}`, token, body)),
    /** What a credential comes to that is shown with these permissions asked for. */
    verify: async (credential, require, more = {}) => {
      const body = { credential, require, ...more };
      const { json, text } = await world.call("POST", "/v1/verify", owner.secret, body);
      return json.code ?? text;
    },
    /** A member in this role, with a token of their own. */
    join: async (name, role) => {
      const body = { email: `${name}@example.com`, role };
      const invited = await world.call("POST", "/v1/invitations", owner.secret, body);
      assert.equal(invited.status, 201, invited.text);
      const { invitation, secret } = invited.json;
      const path = `/v1/invitations/${invitation.id}/accept`;
      const accepted = await product.send({ method: "POST", path, body: { secret, name } });
      assert.equal(accepted.status, 201, accepted.text);
      return { id: accepted.json.member.id, secret: accepted.json.secret, codes: accepted.json.sign_in?.recovery_codes };
    },
    member: async (id, body) => {
      const { status, text } = await world.call("PATCH", `/v1/members/${id}`, owner.secret, body);
      assert.equal(status, 200, text);
    },
    in: (seconds) => new Date(product.clock.now() + seconds * 1000).toISOString(),
  };
  return world;
}

function outcome({ status, json }) {
  if (status < 300) return "ok";
  return json.code === "invalid_request" ? json.errors.map(({ field }) => field).join(" ") : json.code;
}

const YEAR = 31_536_000;

test("DevGuard: scopes and an end within a year must be given, and each scope permits its own", async (t) => {
  const { owner, outcome: asked, make, verify, in: at, call } = await organization(t, "devguard");
  const body = { kind: "pat", name: "scanner", scopes: ["scan"] };
  for (const [change, expected] of [
    [{ expires_at: at(YEAR - 5) }, "ok"],
    [{ expires_at: at(YEAR + 5) }, "expires_at"],
    [{ expires_at: at(-1) }, "expires_at"],
    [{ expires_at: null }, "expires_at"],
    [{}, "expires_at"],
    [{ expires_at: at(3600), scopes: [] }, "scopes"],
    [{ expires_at: at(3600), scopes: undefined }, "scopes"],
    [{ expires_at: at(3600), scopes: ["everything"] }, "scopes[0]"],
    [{ expires_at: at(3600), passphrase: "correct horse" }, "passphrase"],
  ]) {
    assert.equal(await asked(owner.secret, { ...body, ...change }), expected, JSON.stringify(change));
  }
  const expires_at = at(3600);
  const scan = await make(owner.secret, { ...body, expires_at });
  const manage = await make(owner.secret, { ...body, scopes: ["manage"], expires_at });
  for (const [secret, permission, expected] of [
    [scan.secret, "scans:upload", "ok"],
    [scan.secret, "assets:read", "ok"],
    [scan.secret, "assets:update", "insufficient_permission"],
    [manage.secret, "assets:read", "ok"],
    [manage.secret, "assets:create", "ok"],
    [manage.secret, "assets:update", "ok"],
    [manage.secret, "assets:delete", "ok"],
    [manage.secret, "scans:upload", "insufficient_permission"],
  ]) {
    assert.equal(await verify(secret, [permission]), expected, permission);
  }
  // All other calls about tokens need `manage`.
  for (const [method, path] of [["GET", "/api/v1/pats/"], ["DELETE", `/api/v1/pats/${manage.token.id}/`]]) {
    assert.ok([403, 404].includes((await call(method, path, scan.secret)).status), `${method} ${path}`);
  }
  for (const path of [`/v1/tokens/${scan.token.id}/rotate`, `/v1/tokens/${scan.token.id}/regenerate`]) {
    assertProblem(await call("POST", path, owner.secret, {}), 409, "not_editable");
  }
});

test("Devpilot: access tokens never change, API keys do, and both belong to the workspace", async (t) => {
  const world = await organization(t, "devpilot");
  const { owner, product, outcome: asked, make, edit, verify, join, call, in: at } = world;
  const token = { kind: "access_token", name: "deploys", scopes: ["basic_deployment"] };
  const key = { kind: "api_key", name: "integration", scopes: ["read"] };
  for (const [body, change, expected] of [
    [token, { name: "ab" }, "name"],
    [token, { name: "é".repeat(255) }, "ok"],
    [token, { name: "é".repeat(256) }, "name"],
    [token, { scopes: [] }, "scopes"],
    [token, { scopes: ["read"] }, "scopes[0]"],
    [token, { passphrase: "seven77" }, "passphrase"],
    [token, { passphrase: "p".repeat(256) }, "passphrase"],
    [token, { expires_at: at(-1) }, "expires_at"],
    [key, { description: "d".repeat(1000) }, "ok"],
    [key, { description: "d".repeat(1001) }, "description"],
    [key, { scopes: ["all"] }, "scopes[0]"],
    [key, { passphrase: "correct horse" }, "passphrase"],
  ]) {
    assert.equal(await asked(owner.secret, { ...body, ...change }), expected, JSON.stringify(change).slice(0, 60));
  }
  const everything = await make(owner.secret, { ...token, scopes: ["all"] });
  assert.match(everything.secret, /^workspace_token_/u);
  for (const [scope, permission] of [
    ["basic_deployment", "deployments:basic"], ["advanced_deployment", "deployments:advanced"], ["modify_env", "env:modify"],
    ["run_scripts", "scripts:run"],
  ]) {
    const { secret } = await make(owner.secret, { ...token, scopes: [scope] });
    assert.equal(await verify(everything.secret, [permission]), "ok", permission);
    assert.equal(await verify(secret, [permission]), "ok", permission);
    const other = permission === "scripts:run" ? "env:modify" : "scripts:run";
    assert.equal(await verify(secret, [other]), "insufficient_permission", other);
  }
  assert.equal(await verify(everything.secret, ["tokens:create"]), "insufficient_permission", "every capability, no management");

  // Immutable: to change anything is to replace it.
  for (const change of [{ name: "another" }, { scopes: ["all", "run_scripts"] }, { active: false }, { expires_at: at(60) }]) {
    assert.equal(await edit(owner.secret, everything.token.id, change), "not_editable", JSON.stringify(change));
  }
  // An API key can be made switched off; five things of it change, its secret never.
  const made = await make(owner.secret, { ...key, active: false, description: "later" });
  assert.match(made.secret, /^dp_/u);
  assert.deepEqual([made.token.status, await verify(made.secret, ["resources:read"])], ["inactive", "inactive"]);
  const changes = { active: true, name: "renamed", description: "now", scopes: ["read", "delete"], expires_at: at(3600) };
  assert.equal(await edit(owner.secret, made.token.id, changes), "ok");
  assert.equal(await verify(made.secret, ["resources:delete"]), "ok");
  assert.equal(await edit(owner.secret, made.token.id, { scopes: [] }), "scopes");
  for (const path of ["rotate", "regenerate"]) {
    assertProblem(await call("POST", `/v1/tokens/${made.token.id}/${path}`, owner.secret, {}), 409, "not_editable");
  }

  // Owners and admins alone; and what an admin made outlives them, and is found by who made it.
  const admin = await join("amy", "admin");
  // Members have no token, and so begin with recovery codes.
  const max = await join("max", "member");
  assert.equal(max.secret, undefined);
  const browser = new Browser(product);
  const recovery = { organization: "acme", email: "max@example.com", recovery_code: max.codes[0] };
  assert.equal((await browser.send({ method: "POST", path: "/v1/sessions/recover", body: recovery })).status, 201);
  for (const [method, path, body] of [
    ["POST", "/v1/tokens", token],
    ["PATCH", `/v1/tokens/${made.token.id}`, { name: "mine now" }],
    ["DELETE", `/v1/tokens/${made.token.id}`],
  ]) {
    const refused = await browser.send({ method, path, body });
    assert.ok([403, 404].includes(refused.status), `${method}: ${refused.text}`);
  }
  const theirs = await make(admin.secret, { ...token, name: "of an admin" });
  const its_key = await make(admin.secret, { ...key, name: "key of an admin" });
  await world.member(admin.id, { status: "suspended" });
  const both = async () => [await verify(theirs.secret, ["deployments:basic"]), await verify(its_key.secret, ["resources:read"])];
  assert.deepEqual(await both(), ["ok", "ok"], "they outlive a suspension");
  const list = async () => (await call("GET", `/v1/tokens?created_by=${admin.id}&kind=access_token`, owner.secret)).json.items;
  assert.deepEqual((await list()).map(({ name }) => name), ["of an admin"]);
  assert.equal((await call("DELETE", `/v1/members/${admin.id}`, owner.secret)).status, 200);
  assert.deepEqual(await both(), ["ok", "ok"], "they outlive their creator");
  const kept = (await call("GET", `/v1/tokens/${its_key.token.id}`, owner.secret)).json;
  assert.deepEqual([kept.owner.type, kept.created_by.member.id, kept.status], ["organization", admin.id, "active"]);
  const [item] = await list();
  assert.equal(item.created_by.member.id, admin.id, "who stays recorded");
  assert.deepEqual([item.scopes, item.expires_at, item.status], [["basic_deployment"], null, "active"]);
  assert.ok(!JSON.stringify(item).includes(theirs.secret.slice(-20)), "shown once");

  // To delete one stops it at once, and undoes nothing: the log still tells.
  assert.equal((await call("DELETE", `/v1/tokens/${theirs.token.id}`, owner.secret)).status, 200);
  assert.equal(await verify(theirs.secret, []), "revoked");
  const log = await call("GET", `/v1/activity?token=${theirs.token.id}`, owner.secret);
  const actions = log.json.items.map(({ action }) => action);
  assert.ok(actions.includes("token.create") && actions.includes("token.revoke"), actions.join());
  assert.equal((await product.send({ path: "/v1/activity/verify", token: owner.secret })).json.valid, true);
});

test("Devpilot: a passphrase comes along at every use, five wrong ones lock for fifteen minutes, and uses are counted", async (t) => {
  const { owner, product, make, verify, call } = await organization(t, "devpilot");
  const passphrase = "correct horse battery";
  const { token, secret } = await make(owner.secret, { kind: "access_token", name: "guarded", scopes: ["run_scripts"], passphrase });
  const use = (text) => verify(secret, ["scripts:run"], text === undefined ? {} : { passphrase: text });
  assert.equal(await use(), "passphrase_required");
  assert.equal(await use(passphrase), "ok");
  for (let n = 0; n < 5; n += 1) assert.equal(await use(`wrong horse ${n}`), "passphrase_wrong");
  product.clock.advance(60);
  assert.equal(await use(passphrase), "locked");
  product.clock.advance(15 * 60);
  assert.equal(await use(passphrase), "ok");
  let shown;
  for (let n = 0; n < 50; n += 1) {
    shown = (await call("GET", `/v1/tokens/${token.id}`, owner.secret)).json;
    if (shown.use_count >= 2) break;
    await use(passphrase);
  }
  assert.ok(shown.use_count >= 2 && shown.last_used_at !== null, JSON.stringify(shown));
});

test("HarborGuard: a personal token follows its owner's role and standing, a key keeps its own", async (t) => {
  const world = await organization(t, "harborguard");
  const { owner, product, outcome: asked, make, verify, join, member, call } = world;
  const dev = await join("dev", "developer");
  const own = await make(dev.secret, { kind: "pat", name: "all of mine" });
  const narrow = await make(dev.secret, { kind: "pat", name: "narrow", permissions: ["scans:view"] });
  assert.equal(await verify(own.secret, ["scans:create"]), "ok");
  assert.equal(await verify(narrow.secret, ["scans:view"]), "ok");
  assert.equal(await verify(narrow.secret, ["images:view"]), "insufficient_permission");
  assert.equal(await asked(dev.secret, { kind: "pat", name: "x", permissions: ["api-keys:create"] }), "insufficient_permission");
  // Nobody makes one for another: it belongs to whoever asks.
  assert.equal(own.token.owner.id, dev.id);
  assert.equal(await asked(owner.secret, { kind: "pat", name: "x", owner: dev.id }), "owner");

  const roles = async (by) => {
    const found = {};
    for (const role of ["owner", "admin", "developer", "ci", "auditor", "viewer"]) {
      found[role] = await asked(by, { kind: "key", name: role, role });
    }
    return found;
  };
  const admin = await join("amy", "admin");
  assert.deepEqual(await roles(admin.secret), {
    owner: "insufficient_permission", admin: "ok", developer: "ok", ci: "ok", auditor: "ok", viewer: "ok",
  });
  assert.equal((await roles(owner.secret)).owner, "ok");
  assert.equal(await asked(dev.secret, { kind: "key", name: "k", role: "viewer" }), "insufficient_permission");
  assert.equal(await asked(admin.secret, { kind: "key", name: "k" }), "role");
  const key = await make(admin.secret, { kind: "key", name: "pipeline", role: "ci" });
  for (const [permission, expected] of [["scans:create", "ok"], ["scans:edit", "insufficient_permission"]]) {
    assert.equal(await verify(key.secret, [permission]), expected);
  }

  // Downgraded at once, and all of them stop with their owner.
  await member(dev.id, { role: "viewer" });
  assert.equal(await verify(own.secret, ["scans:create"]), "insufficient_permission");
  assert.equal(await verify(own.secret, ["scans:view"]), "ok");
  await member(dev.id, { role: "ci" });
  assert.equal(await asked(dev.secret, { kind: "pat", name: "x" }), "insufficient_permission", "a CI has none of its own");
  await member(dev.id, { role: "developer", status: "suspended" });
  for (const { secret } of [own, narrow, dev]) assert.equal(await verify(secret, []), "owner_suspended");
  await member(dev.id, { status: "active" });
  product.clock.advance(3);
  assert.equal(await verify(narrow.secret, ["scans:view"]), "ok", "they work again, within a lease");
  for (const { id } of [dev, admin]) assert.equal((await call("DELETE", `/v1/members/${id}`, owner.secret)).status, 200);
  assert.equal(await verify(own.secret, []), "owner_suspended");
  assert.equal(await verify(key.secret, ["scans:create"]), "ok", "a key survives its creator");
  const shown = (await call("GET", `/v1/tokens/${key.token.id}`, owner.secret)).json;
  assert.deepEqual([shown.owner.type, shown.created_by.member.id, shown.role], ["organization", admin.id, "ci"]);
  assertProblem(await call("POST", `/v1/tokens/${key.token.id}/rotate`, owner.secret, {}), 409, "not_editable");
  assert.equal((await call("DELETE", `/v1/tokens/${key.token.id}`, owner.secret)).status, 200);
  assert.equal(await verify(key.secret, []), "revoked");
});

test("Semgrep: API tokens are the admins', and stay; the scopes of each sort permit their own", async (t) => {
  const world = await organization(t, "semgrep");
  const { owner, product, outcome: asked, make, edit, verify, join, call } = world;
  const api = await make(owner.secret, { kind: "api", name: "one", scopes: ["api"], role: "member" });
  const cli = await make(owner.secret, { kind: "cli" });
  const service = await make(owner.secret, { kind: "service", service: "ai_scan" });
  assert.deepEqual([service.token.name, service.token.scopes, service.token.service], ["Semgrep CI", ["ci"], "ai_scan"]);
  for (const [{ secret }, connect, local, remote, publish] of [
    [api, true, false, false, false],
    [cli, false, true, false, true],
    [service, false, true, true, false],
  ]) {
    for (const [permission, may] of [
      ["api:connect", connect], ["findings:send-local", local], ["findings:send-remote", remote], ["rules:publish", publish],
      ["rules:read", publish], ["policies:read", publish],
    ]) {
      assert.equal(await verify(secret, [permission]), may ? "ok" : "insufficient_permission", `${secret.slice(0, 8)} ${permission}`);
    }
  }
  // Name and value are in the answer that makes it; the value in no other.
  for (const { token, secret } of [api, cli, service]) {
    const again = await call("GET", `/v1/tokens/${token.id}`, owner.secret);
    assert.equal(again.json.name, token.name);
    assert.ok(!again.text.includes(secret.slice(-20)) && !("secret" in again.json), "shown once");
  }
  assert.equal(await asked(owner.secret, { kind: "service", service: "other" }), "service");
  assert.equal(await asked(owner.secret, { kind: "api", name: "x", scopes: ["ci"] }), "scopes[0]");

  // Edit changes scopes or the displayed name: an admin gives a service token the scope API.
  assert.equal(await edit(owner.secret, service.token.id, { scopes: ["ci", "api"], name: "CI of the shop" }), "ok");
  const both = ["api:connect", "findings:send-remote"];
  product.clock.advance(3);
  assert.equal(await verify(service.secret, both), "ok", "it may do more, within a lease");
  assert.equal(await edit(owner.secret, service.token.id, { scopes: ["cli"] }), "scopes[0]");
  assert.equal(await edit(owner.secret, service.token.id, { service: "click_to_fix" }), "not_editable");
  assert.equal(await edit(owner.secret, api.token.id, { name: "renamed" }), "ok");
  assert.equal(await edit(owner.secret, cli.token.id, { scopes: ["cli"], name: "renamed" }), "ok");
  assert.equal(await edit(owner.secret, service.token.id, { scopes: ["ci"] }), "ok");
  assert.equal(await verify(service.secret, ["api:connect"]), "insufficient_permission", "and takes it back");

  // Lists by kind, with search, role and service.
  const names = async (query) => (await call("GET", `/v1/tokens?${query}`, owner.secret)).json.items.map(({ name }) => name).toSorted();
  await make(owner.secret, { kind: "api", name: "two", scopes: ["api"], role: "admin" });
  await make(owner.secret, { kind: "service", service: "managed_scans", name: "managed" });
  assert.deepEqual(await names("kind=api"), ["renamed", "two"]);
  assert.deepEqual(await names("kind=api&role=admin"), ["two"]);
  assert.deepEqual(await names("kind=service&service=ai_scan"), ["CI of the shop"]);
  assert.deepEqual(await names("kind=service&q=mana"), ["managed"]);

  // A member gets CLI tokens alone, which stop with them; what an admin made stays.
  const admin = await join("amy", "admin");
  const theirs = await make(admin.secret, { kind: "api", name: "of amy", scopes: ["api"] });
  const hers = await make(admin.secret, { kind: "cli" });
  const scanner = await make(admin.secret, { kind: "service", name: "scanner of amy" });
  await world.member(admin.id, { role: "member" });
  assert.equal(await asked(admin.secret, { kind: "api", name: "x", scopes: ["api"] }), "insufficient_permission");
  assert.equal(await asked(admin.secret, { kind: "service" }), "insufficient_permission");
  const stay = async () => [await verify(theirs.secret, ["api:connect"]), await verify(scanner.secret, ["findings:send-remote"])];
  await world.member(admin.id, { status: "suspended" });
  assert.deepEqual(await stay(), ["ok", "ok"]);
  assert.equal((await call("DELETE", `/v1/members/${admin.id}`, owner.secret)).status, 200);
  assert.equal(await verify(hers.secret, []), "owner_suspended");
  assert.deepEqual(await stay(), ["ok", "ok"]);
  const [service_of] = (await call("GET", "/v1/tokens?q=scanner%20of", owner.secret)).json.items;
  assert.deepEqual([service_of.owner.type, service_of.created_by.member.id], ["organization", admin.id]);
  const [found] = (await call("GET", "/v1/tokens?q=of%20amy", owner.secret)).json.items;
  assert.equal(found.created_by.member.id, admin.id);
  assert.equal((await call("DELETE", `/v1/tokens/${theirs.token.id}`, owner.secret)).status, 200);
  assert.equal(await verify(theirs.secret, []), "revoked");
});

test("Devtron: grants on patterns in four families, part by part, and never wider than was asked", async (t) => {
  const { owner, outcome: asked, make, edit, verify, call, product } = await organization(t, "devtron");
  const grant = (permission, resource) => ({ permission, resource });
  const on = (permission, resource) => ({ kind: "token", name: "ci-build", grants: [grant(permission, resource)] });
  for (const [body, expected] of [
    [{ kind: "token", name: "-ab" }, "name"],
    [{ kind: "token", name: "ab" }, "name"],
    [{ kind: "token", name: "aBc" }, "name"],
    [{ kind: "token", name: "a".repeat(51) }, "name"],
    [{ kind: "token", name: "a".repeat(50), description: "d".repeat(350) }, "ok"],
    [{ kind: "token", name: "abc", description: "d".repeat(351) }, "description"],
    [on("apps:trigger", ""), "grants[0].resource"],
    [on("apps:trigger", "team-a/*"), "grants[0].resource"],
    [on("apps:fly", "team-a/*/*"), "grants[0].permission"],
    [{ kind: "token", name: "abc", permissions: ["*:*"] }, "permissions[0]"],
  ]) {
    assert.equal(await asked(owner.secret, body), expected, JSON.stringify(body).slice(0, 80));
  }
  const families = [
    ["apps:trigger", "team-a/*/check*", "team-a/prod/checkout", ["team-b/prod/checkout", "team-a/prod/cart", "team-a/prod"]],
    ["helm:edit", "team-a/prod/*", "team-a/prod/redis", ["team-a/dev/redis"]],
    ["k8s:view", "east/shop/*/pod/*", "east/shop/v1/pod/web", ["west/shop/v1/pod/web", "east/shop/v1/pod"]],
    ["chart-groups:update", "base*", "base-charts", ["other"]],
  ];
  for (const [permission, pattern, within, beyond] of families) {
    const { secret, token } = await make(owner.secret, on(permission, pattern));
    assert.equal(await verify(secret, [permission], { resource: within }), "ok", `${permission} on ${within}`);
    for (const resource of [...beyond, undefined]) {
      assert.equal(await verify(secret, [permission], { resource }), "insufficient_permission", `${permission} on ${resource}`);
    }
    const shown = (await call("GET", `/v1/tokens/${token.id}`, owner.secret)).json;
    assert.deepEqual(shown.grants, [grant(permission, pattern)], "stored as it was asked");
    assert.ok(!("secret" in shown), "never readable again");
  }
  // In place: description and permissions; an end is another secret.
  const { token, secret } = await make(owner.secret, on("apps:view", "team-a/*/*"));
  const wider = { description: "more", grants: [grant("apps:view", "*/*/*"), grant("apps:manager", "team-a/*/*")] };
  assert.equal(await edit(owner.secret, token.id, wider), "ok");
  assert.equal(await verify(secret, ["apps:view"], { resource: "team-b/prod/x" }), "ok");
  assert.equal(await edit(owner.secret, token.id, { expires_at: new Date(product.clock.now() + 60_000).toISOString() }), "not_editable");
  assert.equal(await edit(owner.secret, token.id, { name: "another" }), "not_editable");
  const again = await call("POST", `/v1/tokens/${token.id}/regenerate`, owner.secret, { expires_at: new Date(product.clock.now() + 60_000).toISOString() });
  assert.equal(again.status, 200, again.text);
  assert.equal(await verify(secret, []), "unknown_token");
  assert.equal(await verify(again.json.secret, ["apps:manager"], { resource: "team-a/prod/x" }), "ok");

  // Super admins alone make and see them: one with the widest grants is none.
  const widest = { kind: "token", name: "widest", grants: ["apps:manager", "helm:admin"].map((p) => grant(p, "*/*/*")) };
  const almost = await make(owner.secret, widest);
  assert.equal(await asked(almost.secret, { kind: "token", name: "another" }), "insufficient_permission");
  assert.deepEqual((await call("GET", "/v1/tokens", almost.secret)).json?.items ?? [], []);
  const super_admin = await make(owner.secret, { kind: "token", name: "super", role: "super_admin" });
  assert.equal(await asked(super_admin.secret, { kind: "token", name: "another" }), "ok");
});

// The command line that Semgrep publishes, unchanged, against the profile of its name: it logs in, keeps its token, uses
// it and logs out. `cargo xtask setup --python` installs it.
import { strict as assert } from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { signedIn } from "./lib/passkey.mjs";
import { assertProblem, launch, until } from "./lib/product.mjs";

const semgrep = fileURLToPath(new URL("../../.tools/python/bin/semgrep", import.meta.url));

/** Starts the client in a terminal of its own; what it prints gathers in `output`. */
function client(url, home, words, environment = {}, cwd = home) {
  assert.ok(existsSync(semgrep), "semgrep is installed by `cargo xtask setup --python`");
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TERM: "dumb",
    SEMGREP_URL: url,
    SEMGREP_SEND_METRICS: "off",
    SEMGREP_ENABLE_VERSION_CHECK: "0",
    ...environment,
  };
  const child = spawn("script", ["-qec", `${semgrep} ${words}`, "/dev/null"], { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  const run = { output: "", ended: once(child, "close").then(([code]) => code) };
  child.stdout.on("data", (text) => (run.output += text));
  return run;
}

/** The token in the client's settings. */
async function kept(home) {
  const settings = await readFile(join(home, ".semgrep/settings.yml"), "utf8").catch(() => "");
  return /^api_token: ['"]?([^'"\n]+)/mu.exec(settings)?.[1];
}

test("Semgrep's own client logs in, keeps its token, uses it and logs out", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "semgrep" });
  const home = await mkdtemp(join(tmpdir(), "semgrep-home-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  const url = product.url();

  const login = client(url, home, "login");
  const key = await until("the client shows where to activate", () => {
    return /\/login\?cli-token=([0-9a-f-]{36})/u.exec(login.output.replaceAll(/\s/gu, ""))?.[1];
  });
  // It has asked by now, and whoever activates sees from where.
  const shown = await until("the client has asked", async () => {
    const answer = await product.send({ path: `/v1/device?cli_token=${key}`, token: owner.secret });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.asked_from?.user_agent && answer.json;
  });
  assert.match(shown.asked_from.user_agent, /^Semgrep\//u);
  assert.deepEqual([shown.kind, shown.scopes], ["cli", ["cli"]]);
  const approve = { method: "POST", path: "/v1/device/approve", body: { cli_token: key } };
  assertProblem(await product.send({ ...approve, token: owner.secret }), 403, "insufficient_permission");
  // What the page does once its Activate is pressed.
  const browser = await signedIn(product, owner.secret);
  assert.equal((await browser.send(approve)).status, 200);
  assert.equal(await login.ended, 0, login.output);
  assert.match(login.output, /orgs\/-\/settings\/tokens/u);

  const secret = await kept(home);
  assert.match(secret, /^sgp_[0-9A-Za-z]{48}$/u);
  const me = await product.send({ path: "/v1/whoami", token: secret });
  assert.deepEqual([me.json.token.kind, me.json.principal.email], ["cli", "ada@example.com"], me.text);
  const uses = await until("its uses are counted", async () => {
    const token = await product.send({ path: `/v1/tokens/${me.json.token.id}`, token: owner.secret });
    return token.json.last_used_at && token.json;
  });
  assert.equal(uses.created_by.member.name, "Ada");

  // A token in the variable is checked before it is kept, and a bad one is told apart from a missing one.
  const elsewhere = await mkdtemp(join(tmpdir(), "semgrep-home-"));
  t.after(() => rm(elsewhere, { recursive: true, force: true }));
  const badly = client(url, elsewhere, "login", { SEMGREP_APP_TOKEN: "sgp_bad" });
  assert.notEqual(await badly.ended, 0, badly.output);
  assert.match(badly.output, /not valid/u);
  assert.equal(await kept(elsewhere), undefined);
  const rightly = client(url, elsewhere, "login", { SEMGREP_APP_TOKEN: secret });
  assert.equal(await rightly.ended, 0, rightly.output);
  assert.equal(await kept(elsewhere), secret);

  const logout = client(url, home, "logout");
  assert.equal(await logout.ended, 0, logout.output);
  assert.equal(await kept(home), undefined);
  // Logging out forgets the token on that machine; it is not revoked.
  assert.equal((await product.send({ path: "/v1/whoami", token: secret })).status, 200);

  // The token stops with its member.
  const revoke = { method: "DELETE", path: `/v1/tokens/${me.json.token.id}`, token: owner.secret };
  assert.equal((await product.send(revoke)).status, 200);
  assertProblem(await product.send({ path: "/api/agent/deployments/current", token: secret }), 401, "revoked");
});

test("Semgrep's own client takes the variable's token before its settings', at the address of either variable", async (t) => {
  // What it asks Semgrep's servers for passes the gate, which tells the origin whose token it was.
  const product = await launch(t, { bindings: { GATEWAY_HOSTS: "127.0.0.1" }, origin: () => new Response("{}", { status: 404 }) });
  const owner = await product.setup({ profile: "semgrep" });
  const routes = [{ method: "POST", path: "/api/cli/{*rest}", permission: "findings:send-local" }];
  assert.equal((await product.send({ method: "PUT", path: "/v1/routes", token: owner.secret, body: { routes } })).status, 200);
  const saved = await product.create(owner.secret, { kind: "cli", name: "in the settings" });
  const given = await product.create(owner.secret, { kind: "cli", name: "in the variable" });

  const home = await mkdtemp(join(tmpdir(), "semgrep-home-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, ".semgrep"));
  await writeFile(join(home, ".semgrep/settings.yml"), `has_shown_metrics_notification: true\napi_token: ${saved.secret}\n`);
  const repository = join(home, "repository");
  await mkdir(repository);
  await writeFile(join(repository, "a.py"), "x = 1\n");
  const git = (...words) => execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...words], { cwd: repository, stdio: "ignore" });
  git("init");
  git("add", "a.py");
  git("commit", "-m", "a file");
  const scans = { SEMGREP_REPO_NAME: "acme/shop", SEMGREP_REPO_URL: "https://example.com/acme/shop" };
  for (const [environment, expected] of [
    [{}, saved],
    [{ SEMGREP_APP_TOKEN: given.secret }, given],
    [{ SEMGREP_APP_TOKEN: given.secret, SEMGREP_URL: undefined, SEMGREP_APP_URL: product.url() }, given],
  ]) {
    product.seen.length = 0;
    const scan = client(product.url(), home, "ci --dry-run", { ...scans, ...environment }, repository);
    await scan.ended;
    const asked = product.seen.filter(({ url }) => new URL(url).pathname.startsWith("/api/cli/"));
    assert.ok(asked.length > 0, scan.output);
    for (const { headers } of asked) assert.equal(headers["x-symbolon-token"], expected.token.id);
    assert.equal(await kept(home), saved.secret, "its settings stay as they are");
  }
});

test("a key with which nobody asks is not approved, since nobody could see from where", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "semgrep" });
  const browser = await signedIn(product, owner.secret);
  const key = crypto.randomUUID();
  const approve = () => browser.send({ method: "POST", path: "/v1/device/approve", body: { cli_token: key } });
  const poll = () =>
    product.send({ method: "POST", path: "/api/agent/tokens/requests", body: { token_request_key: key } });
  const early = await approve();
  assertProblem(early, 409, "conflict");
  assert.match(early.json.detail, /start the client first/u);
  assertProblem(await poll(), 404, "not_found");
  assert.equal((await approve()).status, 200);
  assert.equal((await poll()).status, 200);
});

test("a login that is denied ends with a reason", async (t) => {
  const product = await launch(t);
  const owner = await product.setup({ profile: "semgrep" });
  const key = crypto.randomUUID();
  const poll = () =>
    product.send({ method: "POST", path: "/api/agent/tokens/requests", body: { token_request_key: key } });
  assertProblem(await poll(), 404, "not_found");
  const deny = { method: "POST", path: "/v1/device/deny", token: owner.secret, body: { cli_token: key } };
  assert.equal((await product.send(deny)).status, 200);
  const denied = await poll();
  assert.equal(denied.status, 403, denied.text);
  assert.match(denied.json.detail, /denied/u);
});

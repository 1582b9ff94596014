// The console's files as the Worker serves them, and a store from before there was a console, opened by the Worker of now.
import { strict as assert } from "node:assert";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GATEWAY, launch } from "./lib/product.mjs";
import { Browser, Passkey } from "./lib/passkey.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const WWW = join(root, "dist/www");

test("files with their hash in their name are kept for a year, the page is asked for each time, and no inline script runs", async (t) => {
  const product = await launch(t, { extra: { assets: WWW } });
  const names = readdirSync(join(WWW, "assets"));
  assert.ok(names.some((name) => name.endsWith(".js")) && names.some((name) => name.endsWith(".css")));
  for (const name of names) {
    assert.match(name, /-[\w-]{8}\.\w+$/u, "a hash is in its name");
    const answer = await product.send({ path: `/assets/${name}` });
    assert.equal(answer.status, 200, name);
    assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable", name);
    assert.equal(answer.headers["x-content-type-options"], "nosniff", name);
    assert.match(answer.headers["content-type"], name.endsWith(".js") ? /^(?:text|application)\/javascript/u : /^text\/css/u, name);
    assert.equal(answer.text, readFileSync(join(WWW, "assets", name), "utf8"), name);
  }
  for (const path of ["/", "/tokens", "/sign-in", "/device", "/favicon.svg"]) {
    const answer = await product.send({ path });
    assert.equal(answer.status, 200, path);
    assert.doesNotMatch(answer.headers["cache-control"] ?? "", /immutable|max-age=[1-9]/u, `${path}: a new version is seen at once`);
  }
  const missing = await product.send({ path: "/assets/index-00000000.js" });
  assert.notEqual(missing.status, 200);
  assert.doesNotMatch(missing.headers["cache-control"] ?? "", /immutable/u);
  assert.notEqual((await product.send({ path: `/assets/${names[0]}`, host: GATEWAY })).status, 200, "a gateway host serves nothing of the product");

  const page = await product.send({ path: "/tokens" });
  const policy = Object.fromEntries(page.headers["content-security-policy"].split("; ").map((part) => [part.split(" ")[0], part.split(" ").slice(1).join(" ")]));
  assert.deepEqual([policy["default-src"], policy["script-src"], policy["style-src"], policy["connect-src"]], ["'none'", "'self'", "'self'", "'self'"]);
  assert.deepEqual([policy["require-trusted-types-for"], policy["trusted-types"]], ["'script'", "'none'"]);
  assert.deepEqual([policy["base-uri"], policy["frame-ancestors"], policy["form-action"]], ["'none'", "'none'", "'self'"]);
  // Nothing that this policy would have to let through: no script or style in the page itself, no handler, no other host.
  assert.doesNotMatch(page.text, /<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|https?:\/\//u);
});

/** The database of the organisation: the one of all objects' that has members. */
function organization(folder) {
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, name)).filter((name) => name.endsWith(".sqlite") && statSync(name).isFile());
  for (const file of files) {
    const database = new DatabaseSync(file);
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'member' AND type = 'table'").get() !== undefined) return database;
    database.close();
  }
  assert.fail("no database has members");
}

/** Takes it back to its first form: the tables and columns of then, with what they hold now. */
function takeBack(database) {
  const form = readFileSync(join(root, "crates/authority/src/organization/tests/form-1.sql"), "utf8");
  const first = new DatabaseSync(":memory:");
  first.exec(form);
  const tables = (of) => of.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\'").all().map(({ name }) => name);
  const columns = (of, table) => of.prepare(`PRAGMA table_info(${table})`).all().map(({ name }) => name);
  const [then, now] = [tables(first), tables(database)];
  const later = now.filter((name) => !then.includes(name));
  assert.ok(later.includes("passkey") && later.includes("console_session"), `there is more now: ${later}`);
  database.exec("PRAGMA foreign_keys = OFF; BEGIN");
  for (const name of database.prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").all()) database.exec(`DROP INDEX ${name.name}`);
  for (const name of later) database.exec(`DROP TABLE ${name}`);
  database.exec("PRAGMA legacy_alter_table = ON");
  const kept = new Map();
  for (const name of then.filter((one) => now.includes(one))) {
    const shared = columns(first, name).filter((column) => columns(database, name).includes(column));
    kept.set(name, shared);
    database.exec(`ALTER TABLE ${name} RENAME TO before_${name}`);
  }
  database.exec(form);
  for (const [name, shared] of kept) {
    database.exec(`INSERT INTO ${name} (${shared}) SELECT ${shared} FROM before_${name}`);
    database.exec(`DROP TABLE before_${name}`);
  }
  database.exec("UPDATE organization SET schema = 1; COMMIT");
  database.close();
}

test("a data folder from before the console is completed when a newer Worker opens it", async (t) => {
  const product = await launch(t, { data: "folder" });
  const { secret: token } = await product.setup();
  const { secret: key, token: made } = await product.create(token, { kind: "key", name: "from then", permissions: ["api:read"], expires_at: null });
  await product.restart({}, () => takeBack(organization(product.data)));

  const who = await product.send({ path: "/v1/whoami", token: key });
  assert.deepEqual([who.status, who.json?.token?.name], [200, "from then"], who.text);
  // What came since is there: a passkey, a session, the sign-in rules, an invitation.
  const [browser, passkey] = [new Browser(product), new Passkey()];
  assert.equal((await browser.register(passkey, { token })).status, 201);
  assert.equal((await browser.signIn(passkey)).status, 201);
  for (const path of ["/v1/sessions", "/v1/passkeys", "/v1/identities", "/v1/sign-in", "/v1/invitations", "/v1/routes"]) {
    const answer = await browser.send({ path });
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
  }
  const revoked = await browser.send({ method: "DELETE", path: `/v1/tokens/${made.id}` });
  assert.equal(revoked.status, 200, revoked.text);
  assert.equal((await product.send({ path: "/v1/whoami", token: key })).status, 401);
  const checked = await browser.send({ path: "/v1/activity/verify" });
  assert.equal(checked.json.valid, true, checked.text);
  const database = organization(product.data);
  assert.ok(database.prepare("SELECT schema FROM organization").get().schema > 1);
  database.close();
});

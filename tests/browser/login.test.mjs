// `symbolon login`: the real binary in a pseudo-terminal, approved on the console's page for devices by somebody who is
// signed in with a passkey. SYMBOLON_CLI names the binary; cargo xtask test browser builds it and says where it is.
import { strict as assert } from "node:assert";
import { execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { SETUP_CODE, open } from "./console.mjs";

const BINARY = process.env.SYMBOLON_CLI;
const run = promisify(execFile);

/** A home folder of its own, whose browser writes down what it was to open. */
class Home {
  constructor(t) {
    this.folder = mkdtempSync(join(tmpdir(), "symbolon-home-"));
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(this.path("bin"));
    writeFileSync(this.path("bin/xdg-open"), '#!/bin/sh\necho "$1" > "$HOME/opened"\n');
    chmodSync(this.path("bin/xdg-open"), 0o755);
    this.environment = {
      HOME: this.folder,
      PATH: `${this.path("bin")}:${process.env.PATH}`,
      SYMBOLON_CONFIG_DIR: this.path("config"),
      // No bus: the keyring of whoever runs the tests is not theirs to touch.
      DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent",
      TERM: "xterm",
      SHELL: "/bin/sh",
    };
  }

  path(name) {
    return join(this.folder, name);
  }

  /** Runs a command to its end. */
  async run(...words) {
    try {
      return { code: 0, ...(await run(BINARY, words, { env: this.environment })) };
    } catch ({ code, stdout, stderr }) {
      return { code, stdout, stderr };
    }
  }

  /** Starts a command in a pseudo-terminal. */
  terminal(t, ...words) {
    const line = [BINARY, ...words].map((word) => `'${word}'`).join(" ");
    const child = spawn("script", ["-qec", line, "/dev/null"], { env: this.environment });
    t.after(() => child.kill());
    return new Terminal(child);
  }
}

class Terminal {
  shown = "";

  constructor(child) {
    this.child = child;
    child.stdout.on("data", (data) => (this.shown += data));
    this.ended = new Promise((resolve) => child.on("close", (code) => resolve(code)));
  }

  /** Waits until this is shown; what was shown when it ended without, is the failure. */
  async shows(pattern) {
    for (;;) {
      const found = pattern.exec(this.shown);
      if (found !== null) return found;
      const more = new Promise((resolve) => this.child.stdout.once("data", () => resolve(true)));
      if (!(await Promise.race([more, this.ended.then(() => false)])) && pattern.exec(this.shown) === null) assert.fail(`${pattern} in ${this.shown}`);
    }
  }

  type(text) {
    this.child.stdin.write(text);
  }
}

/** Founds the organisation and signs in with a passkey, as the first owner does. */
async function signedIn(t) {
  const served = await open(t);
  const watched = await served.page(t);
  const { page } = watched;
  await watched.authenticator();
  await watched.goto(`/setup#code=${SETUP_CODE}`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Acme Rockets");
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("Your mail address").fill("ada@acme.example");
  await page.getByRole("button", { name: "Set up", exact: true }).click();
  await page.getByRole("heading", { name: "Your first token" }).waitFor();
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Revoke the first token: I do not need it" }).click();
  await page.getByText("The first token is revoked.").waitFor();
  await page.getByRole("button", { name: "Sign in with your passkey" }).click();
  await page.getByRole("heading", { name: "Tokens" }).waitFor();
  return { served, watched };
}

test("a login is approved in the browser", async (t) => {
  assert.ok(BINARY !== undefined, "SYMBOLON_CLI names the binary: run this by cargo xtask test browser");
  const { served, watched } = await signedIn(t);
  const { page } = watched;

  await t.test("approved: the command line goes on by itself, and its token works until logout --revoke", async (t) => {
    const home = new Home(t);
    const terminal = home.terminal(t, "login", served.origin, "--scope", "read", "--scope", "manage");
    const [, link] = await terminal.shows(/Approve this machine at (\S+)/);
    const [, code] = await terminal.shows(/with the code \S*?([A-Z]{4}-[A-Z]{4})/);
    await terminal.shows(/Waiting for the approval/);
    assert.equal(readFileSync(home.path("opened"), "utf8").trim(), link, "the browser was opened there");
    assert.ok(link.startsWith(`${served.origin}/device`) && link.includes(code), link);
    assert.ok(!existsSync(home.path("config")), "nothing is kept before it is approved");

    await page.goto(link);
    await page.getByRole("heading", { name: "symbolon-cli asks to act for you" }).waitFor();
    // Who asks is shown with the client that it says it is.
    await page.getByText(/^symbolon-cli\//).waitFor();
    // What it asks for, and what that permits, in words.
    await page.getByText("It asks for more than a login needs").waitFor();
    const facts = await page.locator("dl.facts").textContent();
    for (const shown of ["read manage", "Read through the protected API", "api:read", "tokens:create", "Sensitive"]) assert.ok(facts.includes(shown), shown);
    await watched.assertAccessible("device");
    await page.getByLabel("Name of the token").fill("my laptop");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("heading", { name: "Approved" }).waitFor();

    assert.equal(await terminal.ended, 0, terminal.shown);
    assert.match(terminal.shown, /Logged in to Acme Rockets at \S+ as Ada Lovelace/);
    assert.equal(statSync(home.path("config/credentials.toml")).mode & 0o777, 0o600);
    const secret = /"(sym_[^"]+)"\s*$/.exec(readFileSync(home.path("config/credentials.toml"), "utf8"))[1];
    assert.ok(!terminal.shown.includes(secret));
    const who = JSON.parse((await home.run("whoami", "--json")).stdout);
    assert.equal(who.token.name, "my laptop");
    assert.deepEqual(who.token.scopes, ["manage", "read"]);
    // So it makes tokens, as the first lines of docs/cli.md do.
    const created = await home.run("token", "create", "--kind", "pat", "--name", "laptop", "--scope", "read", "--expires", "90d");
    assert.equal(created.code, 0, created.stderr);
    assert.equal((await home.run("logout", "--revoke")).code, 0);
    assert.deepEqual(await served.whoami(secret), { status: 401, code: "revoked" });
    assert.equal((await home.run("whoami")).code, 3);
  });

  await t.test("what there is not cannot be approved: the page says so, and offers to deny alone", async (t) => {
    const home = new Home(t);
    const terminal = home.terminal(t, "login", served.origin, "--no-browser", "--scope", "read", "--scope", "bogus");
    const [, link] = await terminal.shows(/Approve this machine at (\S+)/);
    await page.goto(link);
    await page.getByText("This cannot be approved").waitFor();
    await page.getByText(/asks for bogus, which .* read, write, verify, manage\./u).waitFor();
    await watched.assertAccessible("device, refused");
    assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByRole("heading", { name: "Denied" }).waitFor();
    assert.equal(await terminal.ended, 10, terminal.shown);
    assert.ok(!existsSync(home.path("config")));
  });

  await t.test("denied: it says so, and keeps nothing", async (t) => {
    const home = new Home(t);
    const terminal = home.terminal(t, "login", served.origin, "--no-browser");
    // The code typed by hand, as on another machine.
    const [, code] = await terminal.shows(/with the code \S*?([A-Z]{4}-[A-Z]{4})/);
    assert.ok(!existsSync(home.path("opened")));
    await watched.goto("/device");
    await page.getByLabel("Code").fill(code.toLowerCase().replace("-", " "));
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByRole("heading", { name: "Denied" }).waitFor();
    assert.equal(await terminal.ended, 10, terminal.shown);
    assert.match(terminal.shown, /denied in the browser/);
    assert.ok(!existsSync(home.path("config")));
  });

  await t.test("Ctrl-C: nothing is left behind, and nobody can collect what is approved afterwards", async (t) => {
    const home = new Home(t);
    const terminal = home.terminal(t, "login", served.origin);
    const [, link] = await terminal.shows(/Approve this machine at (\S+)/);
    await terminal.shows(/Waiting for the approval/);
    terminal.type("\x03");
    assert.equal(await terminal.ended, 130, terminal.shown);
    assert.match(terminal.shown, /Interrupted: nothing was kept/);
    assert.ok(!existsSync(home.path("config")));
    await page.goto(link);
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByRole("heading", { name: "Denied" }).waitFor();
    assert.equal((await home.run("whoami", "--url", served.origin)).code, 3);
  });
  watched.assertClean();
});

// Every flow of the console under every profile: what forms, lists and actions there are is made from what the server
// says of the profile, so each of the six is led through all of it, from the first run to signing in with a recovery code.
import { strict as assert } from "node:assert";
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { open } from "./console.mjs";

const has = async (locator) => (await locator.count()) > 0;
const form = (fields) => ({ method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields) });

/** A person under one profile, in a session that a passkey began. */
class Person {
  /** How far the server's clock was moved ahead of the browser's, in seconds. */
  ahead = 0;

  constructor(served, watched, profile, secret) {
    Object.assign(this, { served, watched, page: watched.page, profile, secret });
    // One flow that failed must not hold the next one in its page.
    this.page.on("dialog", (dialog) => void dialog.accept());
    this.button = (name) => this.page.getByRole("button", { name, exact: true });
  }

  go(name) {
    return this.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();
  }

  /** Waits for what a step leads to; the passkey is asked for where it was used long ago. */
  async until(reached) {
    const asked = this.button("Confirm with your passkey");
    await reached.or(asked).first().waitFor();
    if (await has(asked)) {
      await asked.click();
      await reached.first().waitFor();
    }
  }

  async stored() {
    await this.page.getByLabel("I have stored it in a safe place.").check();
    await this.button("Done").click();
  }

  /** The form of a kind, filled in with the least that it asks for. */
  async fill(kind, name) {
    const { page, profile } = this;
    await this.watched.goto(`/tokens/new?kind=${kind.name}`);
    await page.getByRole("heading", { name: "Create a token" }).waitFor();
    await page.getByRole("textbox", { name: /^Name/u }).fill(name);
    // Only the fields that the kind has.
    const there = `${profile} ${kind.name}`;
    assert.equal(await has(page.locator("input[type=password]")), kind.passphrase !== null, `${there}: passphrase`);
    assert.equal(await has(page.getByRole("checkbox", { name: /Make it switched off/u })), kind.create_inactive, `${there}: switched off`);
    assert.equal(await has(page.getByRole("radio", { name: "Never", exact: true })), !kind.expiry.required, `${there}: without end`);
    assert.equal(await has(page.getByRole("group", { name: "Scopes" })), kind.scopes.length > 0, `${there}: scopes`);
    assert.equal(await has(page.getByLabel(/^Role/u)), kind.roles.length > 0, `${there}: role`);
    assert.equal(await has(page.getByRole("group", { name: "On chosen resources" })), kind.families.length > 0, `${there}: resources`);
    assert.equal(await has(page.getByRole("radio", { name: /made here, for you to take away/u })), kind.proofs.length > 1, `${there}: keys`);
    const presets = kind.expiry.presets_seconds ?? [];
    const ends = page.getByRole("group", { name: "When it ends" });
    assert.equal(await ends.getByRole("radio").count(), presets.length + (kind.expiry.required ? 1 : 2), `${there}: presets`);
    if (kind.scopes.length > 0) await page.getByRole("group", { name: "Scopes" }).getByRole("checkbox").first().check();
    else if (kind.roles.length > 0) await page.getByLabel(/^Role/u).selectOption({ index: 1 });
    else if (kind.families.length === 0) await page.getByRole("group", { name: "Permissions" }).getByRole("checkbox").first().check();
    if (kind.families.length > 0) {
      await page.getByRole("button", { name: "Add a resource" }).click();
      const resource = page.getByRole("textbox", { name: /^Resource/u });
      await resource.fill(((await resource.getAttribute("placeholder")) || "*").replace("*", "team-a"));
    }
    if (presets.length > 0) await ends.getByRole("radio").first().check();
    else {
      await page.getByRole("radio", { name: "Choose a date" }).check();
      await page.getByLabel("It ends on").fill(new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 16));
    }
  }

  async create() {
    const cautions = this.page.getByRole("group", { name: "Please confirm" }).getByRole("checkbox");
    for (let index = 0; index < (await cautions.count()); index += 1) await cautions.nth(index).check();
    await this.button("Create the token").click();
  }

  async shown() {
    const shown = this.page.locator("[data-secret]");
    await shown.waitFor();
    return (await shown.textContent()).trim();
  }
}

/** A bearer secret: shown once, edited, switched off and on, rotated, regenerated, as far as the kind has it; revoked. */
async function bearer(person, kind) {
  const { page, served, watched, profile, button } = person;
  const there = `${profile} ${kind.name}`;
  const name = `made-of-${kind.name.replaceAll("_", "-")}`;
  await person.fill(kind, name);
  await watched.look(`create-${profile}-${kind.name}`);
  if (kind.passphrase !== null) await page.locator("input[type=password]").fill("correct horse battery");
  await person.create();
  let current = await person.shown();
  assert.ok(current.startsWith(kind.prefix), there);
  await watched.look(`created-${profile}-${kind.name}`);
  const passphrase = kind.passphrase !== null ? { "x-token-passphrase": "correct horse battery" } : {};
  const whoami = async (secret) => (await fetch(`${served.origin}/v1/whoami`, { headers: { authorization: `Bearer ${secret}`, ...passphrase } })).status;
  assert.equal(await whoami(current), 200, there);
  if (kind.passphrase !== null) assert.deepEqual(await served.whoami(current), { status: 401, code: "passphrase_required" }, there);
  await person.stored();
  await page.getByRole("heading", { name }).waitFor();
  await watched.look(`token-${profile}-${kind.name}`);

  assert.equal(await has(button("Edit")), kind.edit.length > 0, `${there}: edit`);
  if (kind.edit.includes("name") || kind.edit.includes("description")) {
    await button("Edit").click();
    const dialog = page.getByRole("dialog");
    const field = kind.edit.includes("name") ? /^Name/u : /^Description/u;
    const text = kind.edit.includes("name") ? `${name}-too` : "what it is for";
    await dialog.getByRole("textbox", { name: field }).fill(text);
    await dialog.getByRole("button", { name: "Save" }).click();
    await person.until(page.getByRole("main").getByText(text, { exact: true }));
  }
  assert.equal(await has(button("Switch off")), kind.edit.includes("active"), `${there}: switch off`);
  if (kind.edit.includes("active")) {
    await button("Switch off").click();
    await person.until(button("Switch on"));
    assert.equal(await whoami(current), 401, `${there}: switched off`);
    await button("Switch on").click();
    await person.until(button("Switch off"));
    assert.equal(await whoami(current), 200, `${there}: switched on`);
  }
  assert.equal(await has(button("Rotate")), kind.rotate !== null, `${there}: rotate`);
  assert.equal(await has(button("Regenerate")), kind.regenerate, `${there}: regenerate`);
  for (const [open, submit] of [["Rotate", "Make a new secret"], ["Regenerate", "Regenerate"]]) {
    if (!(await has(button(open)))) continue;
    await button(open).click();
    const dialog = page.getByRole("dialog");
    if (open === "Regenerate" && (kind.expiry.presets_seconds ?? []).length > 0) await dialog.getByRole("group", { name: "When it ends" }).getByRole("radio").first().check();
    await dialog.getByRole("button", { name: submit, exact: true }).click();
    await person.until(page.locator("[data-secret]"));
    const next = await person.shown();
    assert.notEqual(next, current, `${there}: ${open}`);
    assert.equal(await whoami(next), 200, `${there}: ${open}`);
    assert.equal(await whoami(current), 401, `${there}: the secret before ${open}`);
    current = next;
    await person.stored();
  }
  await button("Revoke").click();
  await page.getByRole("button", { name: "Revoke the token" }).click();
  // Not that of a change before it.
  const told = page.getByRole("status").filter({ hasText: "The token is revoked." });
  await person.until(told);
  assert.match(await told.textContent(), /It holds everywhere since|Edges learn of it in time/u, there);
  assert.equal(await whoami(current), 401, `${there}: revoked`);
  await watched.look(`revoked-${profile}-${kind.name}`);
}

/** The three ways of a signing key: taken away, kept in this browser, and made elsewhere. */
async function keys(person, kind) {
  const { page, served, profile, watched } = person;
  const there = `${profile} ${kind.name}`;
  const name = `${kind.name.replaceAll("_", "-")}-signs`;
  await person.fill(kind, `${name}-away`);
  await page.getByRole("radio", { name: /made here, for you to take away/u }).check();
  await person.create();
  assert.match(await person.shown(), /^-----BEGIN PRIVATE KEY-----/u, there);
  await watched.look(`created-key-${profile}-${kind.name}`);
  await person.stored();
  await page.getByRole("heading", { name: `${name}-away` }).waitFor();

  await person.fill(kind, `${name}-here`);
  await page.getByRole("radio", { name: /kept in this browser/u }).check();
  await person.create();
  await page.getByText("The private key is kept in this browser").waitFor();
  await watched.assertAccessible(`${there}, kept`);
  await person.button("Done").click();
  await page.getByRole("heading", { name: `${name}-here` }).waitFor();

  await person.fill(kind, `${name}-elsewhere`);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await page.getByRole("radio", { name: /A public key that you have/u }).check();
  await page.getByLabel("Public key", { exact: false }).last().fill(publicKey.export({ type: "spki", format: "pem" }));
  await page.getByRole("button", { name: "Get a challenge" }).click();
  const challenge = /'([^']+)'/u.exec(await page.getByText(/^printf %s/u).textContent())[1];
  await page.getByLabel("Signature").fill(sign("sha256", Buffer.from(challenge), privateKey).toString("base64"));
  await person.create();
  await page.getByText("The public key is registered.").waitFor();
  await person.button("Done").click();
  await page.getByRole("heading", { name: `${name}-elsewhere` }).waitFor();

  // What is kept here signs in the playground, is told of on one's own page, and is forgotten.
  // A signature says when it was made, by the browser's clock: the server's must agree with it.
  served.advance(-person.ahead);
  await person.go("Playground");
  await page.getByRole("radio", { name: "A key kept in this browser" }).check();
  // A call of this server's own interface is signed in full, whatever the kind asks; any other, as the kind asks.
  const { components, labels = ["sig"], fingerprint_header: named } = kind.signature;
  const elsewhere = "https://api.acme.example/scans?of=today";
  for (const [url, covers, answers] of [[undefined, ["@method", "@authority", "@path", "@query"], 200], [elsewhere, components, undefined]]) {
    if (url !== undefined) await page.getByLabel("Address").fill(url);
    await page.getByRole("button", { name: "Decide" }).click();
    await page.getByText(/^(?:Allowed|Refused): /u).waitFor();
    assert.equal(await page.getByText("Allowed: ok").count(), 1, `${there}: ${await page.locator(".decision").textContent()}`);
    const states = await page.locator(".decision li").evaluateAll((steps) => steps.map(({ className }) => className));
    assert.deepEqual(new Set(states), new Set(["passed"]), there);
    const [base, request] = await Promise.all(["base", "request"].map((name) => page.locator(`pre[aria-labelledby=${name}]`).textContent()));
    const covered = [...base.matchAll(/^"([^"]+)"(?::| )/gmu)].map(([, name]) => name).filter((name) => name !== "@signature-params");
    for (const component of covers) assert.ok(covered.includes(component), `${there}, ${url}: ${component} in ${base}`);
    if (url !== undefined) assert.deepEqual(covered, components, there);
    assert.ok(request.includes(`signature-input: ${labels[0]}=(`), `${there}: ${request}`);
    assert.equal(request.includes("x-fingerprint: "), named && url !== undefined, `${there}: ${request}`);
    if (answers !== undefined) {
      await page.getByRole("button", { name: "Send it" }).click();
      await page.getByRole("heading", { name: "Answer" }).waitFor();
      await page.getByText(String(answers), { exact: true }).waitFor();
      await page.getByRole("button", { name: "Decide" }).click();
      await page.getByText("Allowed: ok").waitFor();
    }
  }
  await watched.look(`playground-key-${profile}`);
  await person.go("Your account");
  await page.getByRole("button", { name: `Forget the key of ${name}-here` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Forget" }).click();
  await page.getByText("This browser keeps no keys.").waitFor();
  // Creations are limited to some in a minute.
  person.ahead += 61;
  served.advance(person.ahead);
}

async function list(person, kinds) {
  const { page, profile, watched, served, secret } = person;
  await served.call(secret, "POST", "/v1/tokens/import", {
    tokens: [{ kind: kinds[0].name, name: "moved-here", sha256: createHash("sha256").update(randomUUID()).digest("hex"), ...least(kinds[0]) }],
  });
  await person.go("Tokens");
  await page.getByRole("link", { name: "moved-here" }).waitFor();
  for (const heading of ["Name", "Owner", "May", "Status", "Created", "Expires", "Last used", "Uses"]) await page.getByRole("columnheader", { name: heading }).waitFor();
  await watched.look(`tokens-${profile}`);
  await page.getByRole("searchbox", { name: "Search" }).fill("moved");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await page.getByLabel("Status").selectOption("revoked");
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].every((row) => row.textContent.includes("Revoked")));
  await page.getByLabel("Status").selectOption("");
  for (const kind of kinds) {
    await page.getByRole("navigation", { name: "Kinds" }).getByRole("link", { name: kind.title, exact: true }).click();
    await page.waitForURL(new RegExp(`kind=${kind.name}`, "u"));
    await page.waitForFunction(() => document.querySelector("main .loading") === null && document.querySelector("[aria-busy=true]") === null);
    await watched.assertAccessible(`${profile}, ${kind.name}`);
  }
}

/** The least that a token of this kind may be made with over the interface. */
function least(kind) {
  return {
    ...(kind.scopes.length > 0 ? { scopes: [kind.scopes[0]] } : kind.roles.length > 0 ? { role: kind.roles[0] } : kind.permissions.length > 0 ? { permissions: [kind.permissions[0]] } : {}),
    expires_at: new Date(Date.now() + 20 * 86_400_000).toISOString(),
  };
}

async function people(person, t, roles) {
  const { page, served, watched, profile } = person;
  await person.go("Members");
  await page.getByRole("button", { name: "Invite somebody" }).click();
  await page.getByRole("dialog").getByLabel("Mail address").fill("grace@acme.example");
  await page.getByRole("dialog").getByLabel("Role").selectOption(roles.at(-1).name);
  await page.getByRole("button", { name: "Make the link" }).click();
  const link = await person.shown();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();

  const invited = await served.page(t);
  await invited.authenticator();
  await invited.page.goto(link);
  await invited.page.getByLabel("Your name").fill("Grace Hopper");
  await invited.page.getByRole("button", { name: "Accept the invitation" }).click();
  // What gets them in again comes first: a token, where their role may have one, or recovery codes.
  await invited.page.getByRole("heading", { name: "Welcome", exact: true }).waitFor();
  const token = await has(invited.page.locator("pre[data-secret]"));
  await invited.look(`invitation-token-${profile}`);
  await invited.page.getByLabel("I have stored it in a safe place.").check();
  await invited.page.getByRole("button", { name: "Go on" }).click();
  await invited.page.getByRole("button", { name: "Make a passkey" }).click();
  await invited.page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
  await invited.page.getByLabel("I have stored it in a safe place.").check();
  await invited.page.getByRole("button", { name: token ? "Sign in with your passkey" : "Go on" }).click();
  const tokens = invited.page.getByRole("heading", { name: "Tokens", exact: true });
  await tokens.waitFor();
  await invited.look(`tokens-as-${roles.at(-1).name}-${profile}`);
  await invited.page.getByRole("button", { name: "Sign out" }).click();
  await invited.page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await tokens.waitFor();
  invited.assertClean();

  await watched.goto("/members");
  await page.getByText("grace@acme.example").waitFor();
  await watched.assertAccessible(`${profile}, members`);
  await page.getByRole("button", { name: "Edit Grace Hopper" }).click();
  await page.getByRole("dialog").getByLabel("Status").selectOption("suspended");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await person.until(page.getByRole("cell", { name: "Suspended" }));
  await page.getByRole("button", { name: "Remove Grace Hopper" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove the member" }).click();
  await person.until(page.getByText("Grace Hopper is removed."));
}

async function onboarding(person, kind) {
  const { page, served, watched, profile } = person;
  await person.go("Onboarding");
  await page.getByLabel("Repository").fill("acme-shop");
  const ends = await page.locator(".facts dd").last().textContent();
  await watched.look(`onboarding-${profile}`);
  await page.getByRole("button", { name: "Make the token" }).click();
  const secret = await person.shown();
  assert.ok(secret.startsWith(kind.prefix));
  assert.equal((await served.whoami(secret)).status, 200);
  await page.getByText(`secrets.${kind.onboarding.variable}`).first().waitFor();
  await watched.assertAccessible(`${profile}, onboarded`);
  const { token } = await served.call(secret, "GET", "/v1/whoami");
  assert.equal(ends === "Never", token.expires_at === null, `${profile}: it ends when the page says: ${ends}, ${token.expires_at}`);
  await person.stored();
  await page.getByRole("heading", { name: /acme-shop/u }).waitFor();
}

async function device(person) {
  const { page, served, watched, profile } = person;
  const asked = await (await fetch(`${served.origin}/oauth/device_authorization`, form({ client_id: "symbolon-cli" }))).json();
  await watched.goto("/device");
  await page.getByLabel("Code").fill(asked.user_code);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "symbolon-cli asks to act for you" }).waitFor();
  await watched.assertAccessible(`${profile}, a device`);
  await page.getByRole("button", { name: "Approve" }).click();
  await person.until(page.getByRole("heading", { name: "Approved" }));
  const body = { grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: "symbolon-cli", device_code: asked.device_code };
  const { access_token } = await (await fetch(`${served.origin}/oauth/token`, form(body))).json();
  assert.equal((await served.whoami(access_token)).status, 200, profile);
}

async function activity(person) {
  const { page, profile, watched } = person;
  await person.go("Activity");
  await page.getByText(/^Chain verified: \d+ entries$/u).waitFor();
  await watched.assertAccessible(`${profile}, activity`);
  await page.getByLabel("Action").selectOption("member.remove");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as NDJSON" }).click();
  const entries = (await readFile(await (await downloading).path(), "utf8")).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(entries.map(({ seq }) => seq), entries.map((_, index) => index + 1), profile);
  // Every action that was logged has its words.
  await page.getByLabel("Action").selectOption("");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length > 1);
  const bare = await page.locator("tbody .cell-name strong").filter({ hasText: /^[a-z_]+\.[a-z_]+$/u }).allTextContents();
  assert.deepEqual(bare, [], profile);
}

async function playground(person) {
  const { page, profile, watched, secret } = person;
  await person.go("Playground");
  await page.getByLabel("Token", { exact: false }).last().fill(secret);
  await page.getByRole("button", { name: "Decide" }).click();
  await page.getByText("Allowed: ok").waitFor();
  await page.getByRole("button", { name: "Send it" }).click();
  await page.getByRole("heading", { name: "Answer" }).waitFor();
  await watched.look(`playground-${profile}`);
}

async function account(person, codes) {
  const { page, profile, watched } = person;
  await person.go("Your account");
  await page.getByText("This browser", { exact: true }).waitFor();
  await watched.assertAccessible(`${profile}, account`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await page.getByText("Use a recovery code").click();
  await page.getByLabel("Organisation's short name").fill("acme-rockets");
  await page.getByLabel("Mail address").fill("ada@acme.example");
  await page.getByLabel("Recovery code", { exact: false }).last().fill(codes[0]);
  await page.locator("details[open]").getByRole("button", { name: "Sign in" }).click();
  await page.getByText("You signed in with a recovery code.").waitFor();
  await watched.look(`account-recovered-${profile}`);
}

for (const profile of ["symbolon", "devguard", "devpilot", "harborguard", "semgrep", "devtron"]) {
  test(`every flow of ${profile}`, async (t) => {
    const served = await open(t);
    const watched = await served.page(t);
    await watched.authenticator();
    const { codes, secret } = await watched.firstRun(profile);
    const person = new Person(served, watched, profile, secret);
    const { kinds, roles } = await served.call(secret, "GET", "/v1/kinds");
    const creatable = kinds.filter(({ can_create }) => can_create);
    assert.ok(creatable.length > 0);
    for (const kind of creatable) {
      await t.test(`${kind.name}: a secret`, () => bearer(person, kind));
      if (kind.proofs.includes("signature")) await t.test(`${kind.name}: keys`, () => keys(person, kind));
    }
    await t.test("the list", () => list(person, kinds));
    await t.test("the playground", () => playground(person));
    await t.test("members", (t) => people(person, t, roles));
    const onboarded = kinds.find((kind) => kind.onboarding !== null);
    assert.equal(await has(watched.page.getByRole("link", { name: "Onboarding" })), onboarded !== undefined, "onboarding is offered where there is one");
    if (onboarded !== undefined) await t.test("onboarding", () => onboarding(person, onboarded));
    if (kinds.some(({ login }) => login !== null)) await t.test("a device", () => device(person));
    await t.test("the activity log", () => activity(person));
    await t.test("one's own account", () => account(person, codes));
    watched.assertClean();
  });
}

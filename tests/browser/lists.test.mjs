// The lists of tokens, with the columns and filters that the systems' own lists have.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { open } from "./console.mjs";

const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
const row = (page, name) => page.getByRole("row", { name: new RegExp(name, "u") });
/** A cell by its column's heading. */
const cell = (page, name, column) => row(page, name).locator(`td[data-label="${column}"]`);
/** Waits until these tokens are listed, and no other. */
const lists = (page, ...names) =>
  page.waitForFunction((expected) => {
    const listed = [...document.querySelectorAll("tbody .cell-name a")].map(({ textContent }) => textContent).sort();
    return JSON.stringify(listed) === JSON.stringify(expected);
  }, names.sort());

test("who made a token, when it ends, and how often it was used", async (t) => {
  const served = await open(t);
  const { secret: owner } = await served.setup("devpilot");
  const key = (name, more) => ({ kind: "api_key", name, scopes: ["read"], expires_at: null, ...more });
  const { kinds } = await served.call(owner, "GET", "/v1/kinds");
  const made = await served.call(owner, "POST", "/v1/tokens", key("of-ada"));
  await served.call(owner, "POST", "/v1/tokens", key("of-ada-too", { expires_at: inDays(30) }));
  assert.ok(kinds.some(({ name, counts }) => name === "api_key" && counts.includes("use_count")), "its uses are counted");

  // Another administrator comes by invitation, and makes a token too.
  const { link } = await served.call(owner, "POST", "/v1/invitations", { email: "grace@acme.example", role: "admin" });
  const grace = await served.page(t);
  await grace.authenticator();
  await grace.page.goto(link);
  await grace.page.getByLabel("Your name").fill("Grace Hopper");
  await grace.page.getByRole("button", { name: "Accept the invitation" }).click();
  await grace.page.getByLabel("I have stored it in a safe place.").check();
  await grace.page.getByRole("button", { name: "Go on" }).click();
  await grace.page.getByRole("button", { name: "Make a passkey" }).click();
  await grace.page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
  await grace.page.getByLabel("I have stored it in a safe place.").check();
  await grace.page.getByRole("button", { name: /^(Sign in with your passkey|Go on)$/u }).click();
  await grace.page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
  await grace.goto("/tokens/new?kind=api_key");
  await grace.page.getByRole("textbox", { name: /^Name/u }).fill("of-grace");
  await grace.page.getByRole("group", { name: "Scopes" }).getByRole("checkbox").first().check();
  await grace.page.getByRole("radio", { name: "Never", exact: true }).check();
  const cautions = grace.page.getByRole("group", { name: "Please confirm" }).getByRole("checkbox");
  for (let index = 0; index < (await cautions.count()); index += 1) await cautions.nth(index).check();
  await grace.page.getByRole("button", { name: "Create the token" }).click();
  await grace.page.getByLabel("I have stored it in a safe place.").check();
  await grace.page.getByRole("button", { name: "Done" }).click();

  for (let uses = 0; uses < 3; uses += 1) assert.equal((await served.whoami(made.secret)).status, 200);
  // Edges report uses with their next renewal.
  for (;;) {
    const { use_count } = await served.call(owner, "GET", `/v1/tokens/${made.token.id}`);
    assert.ok(use_count <= 3, "never more than the truth");
    if (use_count === 3) break;
    await served.whoami(owner);
  }

  const { page } = grace;
  await grace.goto("/tokens?kind=api_key");
  await lists(page, "of-ada", "of-ada-too", "of-grace");
  assert.equal(await cell(page, "of-ada ", "Expires").textContent(), "Never");
  assert.notEqual(await cell(page, "of-ada-too", "Expires").textContent(), "Never");
  assert.equal((await cell(page, "of-ada ", "Uses").textContent()).trim(), "3");
  assert.equal((await cell(page, "of-grace", "Uses").textContent()).trim(), "0");
  assert.equal((await cell(page, "of-grace", "Last used").textContent()).trim(), "Not yet");
  assert.notEqual((await cell(page, "of-ada ", "Last used").textContent()).trim(), "Not yet");
  const prefix = row(page, "of-ada ").locator(".mono");
  assert.equal(await prefix.textContent(), `${made.token.prefix}…`);
  // The list can tell the beginning of a secret, and no more of it.
  assert.ok(made.secret.startsWith(made.token.prefix) && !(await page.content()).includes(made.secret.slice(0, made.token.prefix.length + 4)));

  await page.getByLabel("Created by").selectOption({ label: "Grace Hopper" });
  await lists(page, "of-grace");
  await page.getByLabel("Created by").selectOption({ label: "Ada Lovelace" });
  await lists(page, "of-ada", "of-ada-too");
  await page.getByLabel("Created by").selectOption("");
  await page.getByRole("searchbox", { name: "Search" }).fill("grace");
  await lists(page, "of-grace");
  grace.assertClean();
});

test("tokens are narrowed by role, by service, by owner and by status", async (t) => {
  const served = await open(t);
  const { secret } = await served.setup("semgrep");
  const create = (body) => served.call(secret, "POST", "/v1/tokens", { expires_at: null, ...body });
  await create({ kind: "api", name: "for admins", scopes: ["api"], role: "admin" });
  await create({ kind: "api", name: "for members", scopes: ["api"], role: "member" });
  await create({ kind: "service", name: "scans", service: "managed_scans" });
  await create({ kind: "service", name: "fixes", service: "click_to_fix" });
  const { token } = await create({ kind: "service", name: "ended", service: "click_to_fix" });
  await served.call(secret, "DELETE", `/v1/tokens/${token.id}`);

  const watched = await served.page(t);
  const { page } = watched;
  await watched.signIn(secret, "/tokens?kind=api");
  await lists(page, "for admins", "for members");
  await page.getByLabel("Role").selectOption({ label: "Member" });
  await lists(page, "for members");
  await page.getByLabel("Role").selectOption({ label: "Admin" });
  await lists(page, "for admins");
  // Another kind begins with a list that is not narrowed.
  await page.getByRole("navigation", { name: "Kinds" }).getByRole("link", { name: "Service token", exact: true }).click();
  await lists(page, "ended", "fixes", "scans");
  await page.getByLabel("Service").selectOption({ label: "Click to Fix" });
  await lists(page, "ended", "fixes");
  await page.getByLabel("Status").selectOption("active");
  await lists(page, "fixes");
  await watched.look("tokens-filtered-semgrep");
  // What is seen is in the address: another opens the same.
  const address = new URL(page.url());
  const other = await served.page(t);
  await other.signIn(secret, address.pathname + address.search);
  await lists(other.page, "fixes");
  await page.getByLabel("Service").selectOption({ label: "AI Scan" });
  await page.getByText("Nothing matches").waitFor();
  await page.getByRole("button", { name: "Clear search and filters" }).click();
  await lists(page, "ended", "fixes", "scans");
  await page.getByRole("navigation", { name: "Kinds" }).getByRole("link", { name: "All kinds", exact: true }).click();
  await page.getByLabel("Owner").selectOption("me");
  const own = (await served.call(secret, "GET", "/v1/tokens?owner=me")).items.map(({ name }) => name);
  assert.ok(own.length > 0);
  await lists(page, ...own);
  await page.getByLabel("Owner").selectOption("organization");
  await lists(page, "ended", "fixes", "for admins", "for members", "scans");
  watched.assertClean();
});

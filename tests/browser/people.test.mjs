// Members, invitations, onboarding, the activity log, and logins of devices, as people do them in the console.
import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { open } from "./console.mjs";

const form = (fields) => ({ method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields) });

test("people", async (t) => {
  const served = await open(t);
  const { secret: admin } = await served.setup();

  await t.test("somebody is invited by link, and becomes a member", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/members");
    await page.getByRole("button", { name: "Invite somebody" }).click();
    await page.getByRole("dialog").getByLabel("Mail address").fill("grace@acme.example");
    await page.getByRole("dialog").getByLabel("Role").selectOption("developer");
    await page.getByRole("button", { name: "Make the link" }).click();
    const link = (await page.locator("[data-secret]").textContent()).trim();
    await watched.look("members-invited");
    assert.ok(link.startsWith(`${served.origin}/invitations/`), link);
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await page.getByRole("heading", { name: "Open invitations" }).waitFor();
    await watched.look("members-invitations");

    const invited = await served.page(t);
    await invited.page.goto(link);
    await invited.page.getByRole("heading", { name: "You are invited" }).waitFor();
    const secret = new URL(link).hash.slice(1);
    // It can be loaded again, until it is used up, and is out of the address for whoever comes next to this browser.
    await invited.page.reload();
    await invited.page.getByRole("heading", { name: "You are invited" }).waitFor();
    assert.ok(!invited.page.url().includes(secret), "the secret is out of the address");
    await invited.look("invitation");
    await invited.page.getByLabel("Your name").fill("Grace Hopper");
    await invited.page.getByRole("button", { name: "Accept the invitation" }).click();
    await invited.page.getByRole("heading", { name: "Welcome" }).waitFor();
    await invited.look("invitation-token");
    await invited.page.getByLabel("I have stored it in a safe place.").check();
    await invited.page.getByRole("button", { name: "Go on" }).click();
    await invited.page.getByRole("heading", { name: "Make your passkey" }).waitFor();
    // It went to the server in one body, and in no address.
    assert.deepEqual(invited.requests.filter(({ url }) => url.includes(secret)), []);
    assert.equal(invited.requests.filter(({ body }) => body.includes(secret)).length, 1);

    await page.getByRole("link", { name: "Activity" }).click();
    await page.getByRole("cell", { name: /Accepted an invitation/ }).first().waitFor();
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByRole("cell", { name: /Grace Hopper grace@/ }).waitFor();
    await page.getByRole("button", { name: "Edit Grace Hopper" }).click();
    await page.getByRole("dialog").getByLabel("Status").selectOption("suspended");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("cell", { name: "Suspended" }).waitFor();
    await page.getByRole("button", { name: "Remove Grace Hopper" }).click();
    await watched.look("members-remove");
    await page.getByRole("dialog").getByRole("button", { name: "Remove the member" }).click();
    await page.getByRole("cell", { name: /Grace Hopper grace@/ }).waitFor({ state: "detached" });
    watched.assertClean();
    invited.assertClean();
  });

  await t.test("an invitation is withdrawn, and its link leads nowhere", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    const { link } = await served.call(admin, "POST", "/v1/invitations", { email: "alan@acme.example", role: "viewer" });
    await watched.signIn(admin, "/members");
    await page.getByRole("button", { name: "Withdraw the invitation of alan@acme.example" }).click();
    const dialog = page.getByRole("dialog", { name: "Withdraw the invitation of alan@acme.example?" });
    await dialog.waitFor();
    await watched.look("members-withdraw");
    await dialog.getByRole("button", { name: "Withdraw" }).click();
    await page.getByText("The invitation of alan@acme.example is withdrawn.").waitFor();
    const invited = await served.page(t);
    await invited.page.goto(link);
    await invited.page.getByLabel("Your name").fill("Alan Turing");
    await invited.page.getByRole("button", { name: "Accept the invitation" }).click();
    await invited.page.getByText("This invitation is no longer good.").waitFor();
    await invited.look("invitation-withdrawn");
    watched.assertClean();
  });

  await t.test("a repository is onboarded", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/onboarding");
    await page.getByLabel("Repository").fill("acme/shop");
    await page.getByRole("button", { name: "Make the token" }).click();
    const shown = page.locator("[data-secret]");
    await shown.waitFor();
    const secret = (await shown.textContent()).trim();
    assert.match(secret, /^sym_ci_/u);
    assert.deepEqual((await served.call(secret, "GET", "/v1/whoami")).permissions, ["api:read"]);
    await page.getByText("secrets.SYMBOLON_TOKEN").waitFor();
    await watched.look("onboarding-done");
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("heading", { name: "acme/shop" }).waitFor();
    watched.assertClean();
  });

  await t.test("the activity log says who, about what and from where", async (t) => {
    const { secret: key } = await served.call(admin, "POST", "/v1/tokens", { kind: "key", name: "reporter", scopes: ["read", "manage"], expires_at: null });
    const { token } = await served.call(key, "POST", "/v1/tokens", { kind: "key", name: "made by a token", scopes: ["read"], expires_at: null });
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/activity?action=token.create");
    const cell = (what, column) => page.getByRole("row").filter({ hasText: what }).first().locator(`[data-label="${column}"]`);
    await cell("made by a token", "Who").getByRole("link", { name: "Token reporter" }).waitFor();
    assert.equal(await cell("made by a token", "From").locator("span").first().innerText(), "node");
    await watched.signIn(admin, "/activity?action=invitation.create");
    await cell("Invited somebody", "About").getByText("alan@acme.example").waitFor();
    await watched.look("activity-invited");
    await served.call(admin, "DELETE", `/v1/tokens/${token.id}`);
    watched.assertClean();
  });

  await t.test("the activity log is filtered, checked and exported", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/activity");
    await page.getByText(/^Chain verified: \d+ entries$/u).waitFor();
    await page.getByLabel("Action").selectOption("member.remove");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await page.getByRole("cell", { name: /Removed a member/ }).waitFor();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export as NDJSON" }).click();
    const entries = (await readFile(await (await downloading).path(), "utf8")).trim().split("\n").map((line) => JSON.parse(line));
    assert.ok(entries.length > 5);
    assert.deepEqual(entries.map(({ seq }) => seq), entries.map((_, index) => index + 1));
    watched.assertClean();
  });
});

test("a device is connected by its code, by a person with a passkey; opening the page alone decides nothing", async (t) => {
  const served = await open(t, { bindings: { CLIENT_ADDRESS_HEADER: "x-real-ip" } });
  const { secret: admin } = await served.setup();
  const asker = { "x-real-ip": "198.51.100.9", "user-agent": "symbolon-cli/1.0.0 (linux)" };
  const post = (path, fields) => fetch(served.origin + path, { ...form(fields), headers: { ...form(fields).headers, ...asker } });
  const begin = async () => (await post("/oauth/device_authorization", { client_id: "symbolon-cli" })).json();
  const poll = async (device_code) =>
    (await post("/oauth/token", { grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: "symbolon-cli", device_code })).json();

  // Whoever holds a token is not asked at all: it may have been taken from somebody.
  const bearer = await served.page(t);
  await bearer.signIn(admin, "/device");
  await bearer.page.getByText("This needs your passkey").waitFor();
  await bearer.look("device-token");
  await bearer.page.getByRole("button", { name: "Sign in otherwise" }).click();
  await bearer.page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
  await bearer.page.waitForURL(/next=%2Fdevice$/u);
  bearer.assertClean();

  const watched = await served.page(t, { extraHTTPHeaders: { "x-real-ip": "203.0.113.7" } });
  const { page } = watched;
  await watched.session(admin, "/device");
  const { user_code, device_code } = await begin();
  await page.getByLabel("Code").fill("BCDF-GHJK");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("alert").waitFor();
  await watched.look("device-unknown");
  await page.getByLabel("Code").fill(user_code.toLowerCase());
  await watched.look("device");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "symbolon-cli asks to act for you" }).waitFor();
  const facts = await page.locator("dl.facts").textContent();
  // What asks, from both addresses, and which permissions.
  for (const shown of ["198.51.100.9", "symbolon-cli/1.0.0", "203.0.113.7", "Another address than yours", "Personal access token", "api:read"]) assert.ok(facts.includes(shown), shown);
  await watched.look("device-decide");
  assert.equal((await poll(device_code)).error, "authorization_pending");
  assert.deepEqual(watched.requests.filter(({ method, url }) => method !== "GET" && url.includes("/v1/device")), [], "opening the page decided nothing");

  // Five minutes after the passkey was used, it is asked for anew.
  await page.getByLabel("Name of the token").fill("my laptop");
  served.advance(301);
  await page.getByRole("button", { name: "Approve" }).click();
  const question = page.getByRole("dialog", { name: "Confirm that it is you" });
  await question.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal((await poll(device_code)).error, "authorization_pending");
  await page.getByRole("button", { name: "Approve" }).click();
  await question.getByRole("button", { name: "Confirm with your passkey" }).click();
  await page.getByRole("heading", { name: "Approved" }).waitFor();
  await watched.look("device-approved");
  const decisions = watched.requests.filter(({ method, url }) => method === "POST" && url.endsWith("/v1/device/approve"));
  assert.ok(decisions.length > 0 && decisions.every(({ headers }) => headers["x-symbolon-csrf"]?.length > 20 && headers.authorization === undefined));
  // The server has asked the client for patience meanwhile.
  served.advance(10);
  assert.equal((await served.call((await poll(device_code)).access_token, "GET", "/v1/whoami")).token.name, "my laptop");

  const denied = await begin();
  await watched.goto(`/device?user_code=${denied.user_code}`);
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("heading", { name: "Denied" }).waitFor();
  await watched.look("device-denied");
  assert.equal((await poll(denied.device_code)).error, "access_denied");
  watched.assertClean();
});

test("Semgrep's client is activated at /login?cli-token=", async (t) => {
  const served = await open(t);
  const { secret: admin } = await served.setup("semgrep");
  const key = randomUUID();
  const poll = () =>
    fetch(`${served.origin}/api/agent/tokens/requests`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token_request_key: key }),
    });
  const watched = await served.page(t);
  const { page } = watched;
  // A link alone is nothing to decide on: its client must ask, so that it is seen from where.
  await watched.session(admin, `/login?cli-token=${key}&docker=False&gha=False`);
  await page.getByText("Start the client first").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  await watched.look("login-semgrep-early");
  assert.equal((await poll()).status, 404);
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await watched.look("login-semgrep");
  assert.equal((await poll()).status, 404);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("heading", { name: "Approved" }).waitFor();
  const answer = await poll();
  assert.equal(answer.status, 200);
  const { token, user_name } = await answer.json();
  assert.equal(user_name, "Ada Lovelace");
  assert.equal((await served.whoami(token)).status, 200);
  watched.assertClean();
});

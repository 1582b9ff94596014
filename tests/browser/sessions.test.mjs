// The first run and sign-in with passkeys, with Chromium's virtual authenticator.
import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { SETUP_CODE, open } from "./console.mjs";

test("from the first-run link to signed in, and what follows", async (t) => {
  const served = await open(t);
  const watched = await served.page(t);
  const { page, context } = watched;
  await watched.authenticator();

  await watched.goto(`/setup#code=${SETUP_CODE}`);
  await page.getByRole("heading", { name: "Set up this instance" }).waitFor();
  assert.equal(page.url(), `${served.origin}/setup`, "the code is out of the address at once");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Acme Rockets");
  assert.equal(await page.getByLabel("Short name").inputValue(), "acme-rockets");
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("Your mail address").fill("ada");
  await page.getByLabel("Your mail address").fill("ada@acme.example");
  await page.getByRole("button", { name: "Set up", exact: true }).click();
  await page.getByRole("heading", { name: "Your first token" }).waitFor();
  const secret = (await page.locator("[data-secret]").textContent()).trim();
  await watched.look("setup-token");
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Make your passkey" }).waitFor();
  await watched.look("setup-passkey");
  await page.getByRole("button", { name: "Make a passkey" }).click();

  await page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
  await watched.look("setup-codes");
  const codes = await page.locator("[data-secret] li").allTextContents();
  assert.equal(new Set(codes).size, 10);
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await watched.look("setup-sign-in");
  await page.getByRole("button", { name: "Revoke the first token: I do not need it" }).click();
  await page.getByText("The first token is revoked.").waitFor();
  assert.deepEqual(await served.whoami(secret), { status: 401, code: "revoked" });
  await page.getByRole("button", { name: "Sign in with your passkey" }).click();
  await page.getByRole("heading", { name: "Tokens" }).waitFor();

  await t.test("the session is a cookie that no script reads", async () => {
    const [cookie] = (await context.cookies()).filter(({ name }) => name === "__Host-symbolon");
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path], [true, true, "Strict", "/"]);
    assert.equal(await page.evaluate(() => document.cookie), "");
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    for (const hidden of [cookie.value, secret, SETUP_CODE, ...codes]) assert.ok(!stored.includes(hidden));
    for (const { url } of watched.requests) for (const hidden of [secret, SETUP_CODE, ...codes]) assert.ok(!url.includes(hidden));
  });

  await t.test("it outlives a reload, and a token can be made and revoked", async () => {
    await page.reload();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    await page.getByRole("link", { name: "Create a token" }).first().click();
    await page.getByRole("textbox", { name: /^Name/ }).fill("from a session");
    await page.getByRole("checkbox", { name: /^Read/ }).check();
    await page.getByRole("button", { name: "Create the token" }).click();
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("button", { name: "Revoke the token" }).click();
    await page.getByText("It holds everywhere since").waitFor();
  });

  await t.test("passkeys and sessions are listed", async () => {
    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("heading", { name: "Sessions", exact: true }).waitFor();
    await page.getByText("This browser", { exact: true }).waitFor();
    await watched.look("account-signed-in");
  });

  await t.test("a session elsewhere is listed, and ended from here", async (t) => {
    const other = await served.page(t, { userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Firefox/140.0" });
    await other.goto("/sign-in");
    await other.page.getByText("Use a recovery code").click();
    await other.page.getByLabel("Organisation's short name").fill("acme-rockets");
    await other.page.getByLabel("Mail address").fill("ada@acme.example");
    await other.page.getByLabel("Recovery code", { exact: false }).last().fill(codes[1]);
    await other.page.locator("details[open]").getByRole("button", { name: "Sign in" }).click();
    await other.page.getByText("You signed in with a recovery code.").waitFor();
    await page.reload();
    await page.getByText("Firefox on Mac").waitFor();
    await page.getByRole("button", { name: "End the session of Firefox on Mac" }).click();
    await page.getByText("The session is ended.").waitFor();
    await page.getByText("Firefox on Mac").waitFor({ state: "detached" });
    await other.page.getByRole("link", { name: "Members" }).click();
    await other.page.getByText("Your session has ended. Please sign in again.").waitFor();
    other.assertClean();
  });

  await t.test("no text becomes markup or script in the page, whoever wrote it", async () => {
    const outcome = await page.evaluate(() => {
      const tried = (work) => {
        try {
          work();
          return "done";
        } catch (error) {
          return error.name;
        }
      };
      const script = document.createElement("script");
      script.setAttribute("nonce", "x");
      return [
        tried(() => (document.body.innerHTML = "<b>")),
        tried(() => (script.text = "globalThis.ran = true")),
        tried(() => globalThis.trustedTypes.createPolicy("mine", {})),
        tried(() => document.write("<b>")),
      ];
    });
    assert.deepEqual(outcome, ["TypeError", "TypeError", "TypeError", "TypeError"]);
    // The policy's refusals were provoked.
    watched.complaints.splice(0);
  });

  await t.test("signed out, and in again with a recovery code, which works once", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const recover = async () => {
      await page.getByText("Use a recovery code").click();
      await page.getByLabel("Organisation's short name").fill("acme-rockets");
      await page.getByLabel("Mail address").fill("ada@acme.example");
      await page.getByLabel("Recovery code", { exact: false }).last().fill(codes[0]);
      await page.locator("details[open]").getByRole("button", { name: "Sign in" }).click();
    };
    await recover();
    await page.getByRole("navigation", { name: "Main" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await recover();
    await page.getByRole("alert").waitFor();
  });
  watched.assertClean();
});

test("who reloads in the middle of the first run gets in with what they kept, and is told where", async (t) => {
  const served = await open(t);
  const watched = await served.page(t);
  const { page } = watched;
  const found = async (name) => {
    await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await page.getByLabel("Your name").fill("Ada Lovelace");
    await page.getByLabel("Your mail address").fill("ada@acme.example");
    await page.getByRole("button", { name: "Set up", exact: true }).click();
  };
  await watched.goto(`/setup#code=${SETUP_CODE}`);
  await found("Acme Rockets");
  // Nothing comes before the token, and nothing leaves it unkept without a question.
  await page.getByRole("heading", { name: "Your first token" }).waitFor();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const secret = (await readFile(await (await downloading).path(), "utf8")).trim();
  assert.equal(secret, (await page.locator("[data-secret]").textContent()).trim());
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("Please store it first").waitFor();
  const asked = page.waitForEvent("dialog");
  const reloading = page.reload();
  assert.equal((await asked).type(), "beforeunload");
  await (await asked).dismiss();
  await reloading.catch(() => {});
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Make your passkey" }).waitFor();

  await page.reload();
  await page.getByText("“acme-rockets” was set up here from this browser.").waitFor();
  await watched.look("setup-again");
  await page.getByLabel("Setup code").fill(SETUP_CODE);
  await found("Another");
  const notice = page.getByRole("status").filter({ hasText: "This instance was set up already." });
  await notice.waitFor();
  await watched.look("setup-conflict");
  await notice.getByRole("link", { name: "Sign in" }).click();
  await watched.signIn(secret, "/sign-in");
  await page.getByRole("heading", { name: "Tokens" }).waitFor();
  watched.assertClean();
});

test("a short name is checked as it is typed, and an organisation is founded with a profile of one's own once it is right", async (t) => {
  const served = await open(t);
  const watched = await served.page(t);
  const { page } = watched;
  await watched.goto(`/setup#code=${SETUP_CODE}`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Acme Rockets");
  const slug = page.getByLabel("Short name");
  await slug.fill("Acme!");
  await page.getByText("Use 2 to 40 lower-case letters, digits and hyphens, and nothing else.").waitFor();
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("Your mail address").fill("ada@acme.example");
  await page.getByRole("button", { name: "Set up", exact: true }).click();
  assert.deepEqual(watched.requests.filter(({ url, method }) => url.endsWith("/v1/setup") && method === "POST"), [], "the server is not asked what the page knows");
  await slug.fill("acme");
  await page.getByText("Use 2 to 40 lower-case letters").waitFor({ state: "detached" });

  const text = await readFile(new URL("../../profiles/symbolon.toml", import.meta.url), "utf8");
  await page.getByRole("combobox", { name: /^Profile/u }).selectOption("own");
  const chosen = { name: "mine.toml", mimeType: "application/toml" };
  await page.getByLabel("Take it from a file").setInputFiles({ ...chosen, buffer: Buffer.from(text.replace('owner = "member"', 'owner = "nobody"')) });
  await page.getByRole("button", { name: "Set up", exact: true }).click();
  const wrong = page.getByRole("alert").filter({ hasText: "The profile cannot be used yet:" });
  await wrong.getByRole("listitem").first().waitFor();
  // Its line, what is wrong, and what is allowed.
  assert.match(await wrong.textContent(), /Line 60, column 9: .*`nobody`.*`member`/u);
  await watched.look("setup-profile-wrong");
  await page.getByLabel("Take it from a file").setInputFiles({ ...chosen, buffer: Buffer.from(text.replace('title = "Symbolon"', 'title = "Rockets"')) });
  await page.getByRole("button", { name: "Set up", exact: true }).click();
  await page.getByRole("heading", { name: "Your first token" }).waitFor();
  const secret = (await page.locator("[data-secret]").textContent()).trim();
  assert.equal((await served.call(secret, "GET", "/v1/kinds")).title, "Rockets");
  watched.assertClean();
});

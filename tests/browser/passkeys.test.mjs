// Passkeys, several of them, recovery codes, and the question before a destructive step, in Chromium's virtual
// authenticators.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { open } from "./console.mjs";

test("passkeys", async (t) => {
  const served = await open(t);
  const watched = await served.page(t);
  const { page } = watched;
  const laptop = await watched.authenticator();
  const { codes, secret } = await watched.firstRun();
  const signOut = async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  };
  const present = ({ session, authenticatorId }, enabled) => session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });

  await t.test("a destructive step asks for the passkey, when it was used more than five minutes ago", async () => {
    const { token } = await served.call(secret, "POST", "/v1/tokens", { kind: "key", name: "doomed", permissions: ["api:read"], expires_at: null });
    await watched.goto(`/tokens/${token.id}`);
    await page.getByRole("heading", { name: "doomed" }).waitFor();
    served.advance(301);
    const revoke = async () => {
      await page.getByRole("button", { name: "Revoke", exact: true }).click();
      await page.getByRole("button", { name: "Revoke the token" }).click();
    };
    await revoke();
    const question = page.getByRole("dialog", { name: "Confirm that it is you" });
    await question.getByText("This step needs a passkey that was used within the last five minutes.").waitFor();
    await watched.look("confirm");
    await question.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog", { name: /^Revoke/u }).getByRole("alert").waitFor();
    await page.getByRole("dialog", { name: /^Revoke/u }).getByRole("button", { name: "Cancel" }).click();
    assert.equal((await served.call(secret, "GET", `/v1/tokens/${token.id}`)).status, "active", "nothing was done without it");

    await revoke();
    const before = (await watched.context.cookies()).find(({ name }) => name === "__Host-symbolon").value;
    await question.getByRole("button", { name: "Confirm with your passkey" }).click();
    await page.getByText("It holds everywhere since").waitFor();
    const after = (await watched.context.cookies()).find(({ name }) => name === "__Host-symbolon").value;
    assert.notEqual(after, before, "the session has another secret");
    assert.equal((await served.call(secret, "GET", `/v1/tokens/${token.id}`)).status, "revoked");
  });

  await t.test("a second one, in another authenticator, signs in as well; the first is removed", async () => {
    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("button", { name: "Add a passkey" }).click();
    // The first authenticator has one already, and says so.
    const add = page.getByRole("dialog", { name: "Add a passkey" });
    await add.getByLabel("Name").fill("Security key");
    await present(laptop, false);
    const key = await watched.authenticator({ transport: "usb" });
    await add.getByRole("button", { name: "Make it" }).click();
    await page.getByText("The passkey is added.").waitFor();
    await watched.look("account-passkeys");
    await signOut();
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor();

    await page.getByRole("link", { name: "Your account" }).click();
    const removes = page.getByRole("button", { name: /^Remove (?!Security key)/u });
    await removes.first().click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("The passkey is removed.").waitFor();
    await signOut();
    // What is left of the first one signs nobody in.
    await present(key, false);
    await present(laptop, true);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("alert").waitFor();
    await present(laptop, false);
    await present(key, true);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor();
  });

  await t.test("new recovery codes end the old ones", async () => {
    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("button", { name: "New recovery codes" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "New recovery codes" }).click();
    await page.locator("[data-secret] li").first().waitFor();
    const renewed = await page.locator("[data-secret] li").allTextContents();
    assert.equal(new Set([...renewed, ...codes]).size, 20);
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();
    await signOut();
    await page.getByText("Use a recovery code").click();
    await page.getByLabel("Organisation's short name").fill("acme-rockets");
    await page.getByLabel("Mail address").fill("ada@acme.example");
    const code = page.getByLabel("Recovery code", { exact: false }).last();
    const submit = page.locator("details[open]").getByRole("button", { name: "Sign in" });
    await code.fill(codes[0]);
    await submit.click();
    await page.getByRole("alert").waitFor();
    await code.fill(renewed[0]);
    await submit.click();
    await page.getByRole("navigation", { name: "Main" }).waitFor();
  });
  watched.assertClean();
});

test("badges call for a look at tokens that are not used, or end soon", async (t) => {
  const served = await open(t);
  // Set up a hundred days ago.
  served.advance(-100 * 86_400);
  const { secret } = await served.setup();
  const create = (body) => served.call(secret, "POST", "/v1/tokens", body);
  await create({ kind: "key", name: "forgotten", permissions: ["api:read"], expires_at: null });
  served.advance(100 * 86_400);
  // The owner's first token has ended after ninety days: another, made then for later, goes on.
  served.advance(-100 * 86_400);
  const { secret: year } = await create({ kind: "pat", name: "year", scopes: ["manage", "read", "write", "verify"], expires_at: new Date(Date.now() + 200 * 86_400_000).toISOString() });
  served.advance(100 * 86_400);
  await served.call(year, "POST", "/v1/tokens", { kind: "key", name: "ending", permissions: ["api:read"], expires_at: new Date(Date.now() + 3 * 86_400_000).toISOString() });
  const watched = await served.page(t);
  const { page } = watched;
  await watched.signIn(year, "/tokens?kind=key");
  const row = (name) => page.getByRole("row", { name: new RegExp(name, "u") });
  await row("forgotten").getByText("Unused for 90 days").waitFor();
  await row("ending").getByText(/^Ends in/u).waitFor();
  assert.equal(await row("ending").getByText("Unused for 90 days").count(), 0);
  await watched.look("tokens-badges");
  watched.assertClean();
});

test("whoever makes their first passkey with a token is told where they change it from now on", async (t) => {
  const served = await open(t);
  const { secret } = await served.setup();
  const watched = await served.page(t);
  const { page } = watched;
  await watched.authenticator();
  await watched.signIn(secret, "/account");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Make it" }).click();
  const notice = page.getByRole("status").filter({ hasText: "Sign in with your passkey to change this from now on." });
  await notice.waitFor();
  assert.equal(await page.getByRole("alert").count(), 0, "nothing is called a failure");
  assert.equal(await page.locator("[data-secret] li").count(), 10);
  await watched.look("account-first-passkey");
  // The codes are not left by mistake.
  const asked = page.waitForEvent("dialog");
  const leaving = notice.getByRole("link", { name: "Sign in anew" }).click();
  assert.equal((await asked).type(), "beforeunload");
  await (await asked).dismiss();
  await leaving;
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Done" }).click();
  await notice.getByRole("link", { name: "Sign in anew" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await page.getByRole("button", { name: /^Remove /u }).waitFor();

  // The token is told so at once when it comes back.
  const later = await served.page(t);
  await later.signIn(secret, "/account");
  await later.page.getByText("Sign in to see and change your passkeys and sessions.").waitFor();
  assert.equal(await later.page.getByRole("alert").count(), 0);
  await later.look("account-token");
  watched.assertClean();
  later.assertClean();
});

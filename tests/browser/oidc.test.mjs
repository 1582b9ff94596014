// Signing in at a provider through the console's button, in Chromium, with npm oidc-provider.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { CLIENT_ID, CLIENT_SECRET, Forger, provider } from "../workerd/lib/oidc.mjs";
import { freePort, open } from "./console.mjs";

test("a member signs in at the provider, and confirms there", async (t) => {
  const port = await freePort();
  const op = await provider(t, {
    accounts: { ada: { email: "ada@acme.example", email_verified: true }, grace: { email: "grace@acme.example", email_verified: true } },
    redirectUri: `http://localhost:${port}/v1/sessions/oidc/callback`,
    asks: true,
  });
  const bindings = { OIDC_ISSUER: op.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_NAME: "Acme Login" };
  const served = await open(t, { bindings, port });
  const { secret: admin } = await served.setup();
  const there = async (page, name) => {
    await page.getByRole("button", { name: `Go on as ${name}` }).click();
  };

  await t.test("an owner lets addresses count, and the button leads in", async (t) => {
    const owner = await served.page(t);
    await owner.signIn(admin, "/members");
    await owner.page.getByRole("button", { name: "Go by mail addresses" }).click();
    await owner.page.getByRole("button", { name: "Do not go by mail addresses" }).waitFor();
    await owner.look("members-provider");
    owner.assertClean();

    const watched = await served.page(t);
    const { page, context } = watched;
    await watched.goto("/activity");
    await page.getByRole("button", { name: "Sign in with Acme Login" }).waitFor();
    await watched.look("sign-in-provider");
    await page.getByLabel("Organisation's short name").first().fill("nobodys");
    await page.getByRole("button", { name: "Sign in with Acme Login" }).click();
    await there(page, "ada");
    await page.getByText("You are not known here yet.").waitFor();
    await watched.look("sign-in-provider-refused");
    await page.getByLabel("Organisation's short name").first().fill("acme");
    await page.getByRole("button", { name: "Sign in with Acme Login" }).click();
    // The provider knows her still.
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    const cookies = await context.cookies(served.origin);
    assert.deepEqual(cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite]), [["__Host-symbolon", true, true, "Strict"]]);
    await page.reload();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();

    // Five minutes later a destructive step sends her there once more, and she comes back to where she was.
    const { token } = await served.call(admin, "POST", "/v1/tokens", { kind: "key", name: "old", permissions: ["api:read"], expires_at: null });
    await watched.goto(`/tokens/${token.id}`);
    await page.getByRole("heading", { name: "old" }).waitFor();
    served.advance(301);
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByRole("button", { name: "Revoke the token" }).click();
    await page.getByRole("button", { name: "Go to Acme Login" }).waitFor();
    await watched.look("confirm-provider");
    served.advance(-301);
    const before = op.state.anew;
    await page.getByRole("button", { name: "Go to Acme Login" }).click();
    await there(page, "ada");
    await page.getByRole("heading", { name: "old" }).waitFor();
    assert.equal(op.state.anew, before + 1);
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByRole("button", { name: "Revoke the token" }).click();
    await page.getByText("It holds everywhere since").waitFor();

    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("heading", { name: "Acme Login" }).waitFor();
    await page.getByText("Provider ·").waitFor();
    await watched.look("account-provider");
    watched.assertClean([op.issuer]);
  });

  await t.test("somebody who is invited connects their account", async (t) => {
    op.state.account = "grace";
    const { link } = await served.call(admin, "POST", "/v1/invitations", { email: "hopper@acme.example", role: "developer" });
    const watched = await served.page(t);
    const { page } = watched;
    await page.goto(link);
    await page.getByLabel("Your name").fill("Grace Hopper");
    await page.getByRole("button", { name: "Accept the invitation" }).click();
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("heading", { name: "Make your passkey" }).waitFor();
    await watched.look("invitation-passkey");
    await page.getByRole("button", { name: "Sign in with Acme Login" }).click();
    await there(page, "grace");
    await page.getByRole("button", { name: "Sign in with Acme Login" }).waitFor();
    assert.equal(await page.getByLabel("Organisation's short name").first().inputValue(), "acme");
    await page.getByRole("button", { name: "Sign in with Acme Login" }).click();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("button", { name: "Disconnect Acme Login" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
    // The provider said that she had just shown herself there: she need not do it anew.
    await page.getByText("Your account there is not connected.").or(page.getByText("Your session has ended.")).first().waitFor();
    watched.assertClean([op.issuer]);
  });
});

test("a provider that does not say when somebody signed in there confirms nothing, and the page says what is wrong", async (t) => {
  const provider = await new Forger().start(t);
  const bindings = { OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_NAME: "Acme Login" };
  const served = await open(t, { bindings });
  const { secret: admin } = await served.setup();
  provider.claims = { email: "ada@acme.example" };
  await served.call(admin, "PUT", "/v1/sign-in", { link_by_email: true });
  const watched = await served.page(t);
  const { page } = watched;
  await watched.goto("/account");
  await page.getByRole("button", { name: "Sign in with Acme Login" }).waitFor();
  await page.getByLabel("Organisation's short name").first().fill("acme");
  await page.getByRole("button", { name: "Sign in with Acme Login" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  const passkeys = page.getByRole("region", { name: "Passkeys" });
  const add = async () => {
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("button", { name: "Go to Acme Login" }).click();
  };
  await watched.authenticator();
  await add();
  const notice = page.getByRole("alert");
  await notice.getByText("The provider does not say when you signed in there.").waitFor();
  await notice.getByText(/must put the claim auth_time into its ID tokens/u).waitFor();
  await passkeys.getByText("You have no passkeys yet.").waitFor();
  await watched.look("account-provider-no-auth-time");

  // Once it says so, the step is confirmed, and done.
  provider.claims = { ...provider.claims, auth_time: Math.floor(Date.now() / 1000) };
  await add();
  await page.waitForURL(`${served.origin}/account`);
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("The passkey is added.").waitFor();
  watched.assertClean([provider.issuer]);
});

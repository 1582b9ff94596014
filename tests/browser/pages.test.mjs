// Every page of the console, in both themes and at both widths: nothing that axe-core finds, nothing wider than the
// window, no complaint, no other host; and a picture of each.
import { test } from "node:test";
import { open } from "./console.mjs";

const day = 86_400_000;
const inDays = (days) => new Date(Date.now() + days * day).toISOString();

test("every page", async (t) => {
  const served = await open(t);

  await t.test("first run", async (t) => {
    const watched = await served.page(t);
    await watched.goto("/setup#code=0123456789abcdef");
    await watched.page.getByRole("heading", { name: "Set up this instance" }).waitFor();
    await watched.look("setup");
    watched.assertClean();
  });

  await t.test("sign-in", async (t) => {
    const watched = await served.page(t);
    await watched.goto("/sign-in");
    await watched.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await watched.look("sign-in");
    await watched.page.getByText("Use an access token").click();
    await watched.page.getByText("Use a recovery code").click();
    await watched.page.getByLabel("Access token").fill("not a token");
    await watched.page.locator("details", { hasText: "Use an access token" }).getByRole("button", { name: "Sign in" }).click();
    await watched.page.getByRole("alert").waitFor();
    await watched.look("sign-in-refused");
    watched.assertClean();
  });

  const { secret } = await served.setup();
  const create = (body) => served.call(secret, "POST", "/v1/tokens", body);

  await t.test("tokens: the first one alone, an empty kind, nothing found", async (t) => {
    const watched = await served.page(t);
    await watched.signIn(secret);
    await watched.page.getByRole("link", { name: "CI token" }).click();
    await watched.page.getByText("No tokens yet").waitFor();
    await watched.look("tokens-empty");
    watched.assertClean();
  });

  await create({ kind: "pat", name: "Nightly report", description: "Reads everything at three", scopes: ["read"], expires_at: inDays(3) });
  await create({ kind: "pat", name: "laptop", scopes: ["read", "write", "verify", "manage"], expires_at: inDays(300), active: false });
  await create({ kind: "key", name: "billing-service", permissions: ["api:read", "tokens:view", "members:view", "activity:view"], expires_at: null });
  await create({ kind: "key", name: "Checkout in production", grants: [{ permission: "api:write", resource: "team-a/production/checkout" }], expires_at: inDays(80) });
  const ended = await create({ kind: "ci", name: "acme/a-repository-with-quite-a-long-name-that-has-to-break-somewhere", scopes: ["read"] });
  await served.call(secret, "DELETE", `/v1/tokens/${ended.token.id}`);
  await served.call(secret, "POST", "/v1/members", { name: "Grace Hopper", email: "grace@acme.example", role: "developer" });
  const alan = await served.call(secret, "POST", "/v1/members", { name: "Alan Turing", email: "alan.mathison.turing@department-of-mathematics.acme.example", role: "viewer" });
  await served.call(secret, "PATCH", `/v1/members/${alan.id}`, { status: "suspended" });

  await t.test("signed in", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    const go = (name) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();
    await watched.signIn(secret);
    await page.getByRole("cell", { name: /Nightly report/ }).waitFor();
    await watched.look("tokens");

    await page.getByRole("searchbox", { name: "Search" }).fill("no such thing");
    await page.getByText("Nothing matches").waitFor();
    await watched.look("tokens-nothing-found");
    await page.getByRole("button", { name: "Clear search and filters" }).click();

    await page.getByRole("link", { name: "billing-service" }).click();
    await page.getByRole("heading", { name: "billing-service" }).waitFor();
    await page.getByText("Created a token").first().waitFor();
    await watched.look("token");
    for (const action of ["Edit", "Rotate", "Regenerate", "Revoke"]) {
      await page.getByRole("button", { name: action, exact: true }).click();
      await page.getByRole("dialog").waitFor();
      await watched.look(`token-${action.toLowerCase()}`);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }

    await go("Tokens");
    await page.getByRole("link", { name: "Create a token" }).first().click();
    await page.getByRole("heading", { name: "Create a token" }).waitFor();
    await watched.look("create-pat");
    await page.getByRole("radio", { name: /API key/ }).check();
    await page.getByRole("button", { name: "Add a resource" }).click();
    await page.getByRole("radio", { name: "Never", exact: true }).check();
    await page.getByRole("radio", { name: /A public key that you have/ }).check();
    await page.getByRole("button", { name: "Get a challenge" }).click();
    await page.getByLabel("Signature").waitFor();
    await watched.look("create-key");

    for (const [link, heading, name] of [
      ["Onboarding", "Onboard a repository", "onboarding"],
      ["Members", "Members", "members"],
      ["Activity", "Activity", "activity"],
      ["Playground", "Playground", "playground"],
      ["Your account", "Your account", "account"],
    ]) {
      await go(link);
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      await page.waitForFunction(() => document.querySelector("main .loading") === null);
      await watched.look(name);
    }

    await go("Members");
    await page.getByRole("button", { name: "Invite somebody" }).click();
    await watched.look("members-invite");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Edit Grace Hopper" }).click();
    await watched.look("members-edit");
    await page.keyboard.press("Escape");

    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole("button", { name: "Menu" }).click();
    await watched.assertAccessible("menu");
    await page.screenshot({ path: "screenshots/menu-360-light.png" });
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Tokens" }).click();
    await page.getByRole("button", { name: "Filters" }).click();
    await watched.assertAccessible("filters");
    await page.screenshot({ path: "screenshots/filters-360-light.png" });
    await page.setViewportSize({ width: 1280, height: 900 });
    watched.assertClean();
  });
});

// What every page shows while it waits, and when what it waits for does not come: never nothing, and always a way on.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { open } from "./console.mjs";

test("waiting, failing and going on", async (t) => {
  const served = await open(t);
  const watched = await served.page(t);
  const { page } = watched;
  await watched.authenticator();
  const { secret } = await watched.firstRun();
  const { token } = await served.call(secret, "POST", "/v1/tokens", { kind: "key", name: "billing-service", permissions: ["api:read"], expires_at: null });
  await served.call(secret, "POST", "/v1/members", { name: "Grace Hopper", email: "grace@acme.example", role: "developer" });

  for (const { name, path, asks, there } of [
    { name: "tokens", path: "/tokens", asks: /\/v1\/tokens\?/u, there: /billing-service/u },
    { name: "token", path: `/tokens/${token.id}`, asks: new RegExp(`/v1/tokens/${token.id}$`, "u"), there: /About this token/u },
    { name: "members", path: "/members", asks: /\/v1\/members\?/u, there: /Grace Hopper/u },
    { name: "activity", path: "/activity", asks: /\/v1\/activity\?/u, there: /Created a token/u },
    { name: "account", path: "/account", asks: /\/v1\/(?:passkeys|sessions)$/u, there: /This browser/u },
    { name: "device", path: "/device?user_code=BCDF-GHJK", asks: /\/v1\/device\?/u },
    { name: "console", path: "/tokens", asks: /\/v1\/sessions\/current$/u, there: /billing-service/u },
  ]) {
    await t.test(name, async () => {
      let let_go;
      const held = new Promise((resolve) => (let_go = resolve));
      await page.route(asks, async (route) => {
        await held;
        await route.abort();
      });
      await page.goto(served.origin + path);
      await page.locator(".loading").first().waitFor();
      assert.equal(await page.getByRole("status").filter({ hasText: "Loading…" }).count() > 0, true, "it says so to whoever does not see it");
      await watched.look(`loading-${name}`);
      let_go();
      await page.getByRole("alert").first().waitFor();
      await page.getByText("The server cannot be reached.").first().waitFor();
      assert.equal(await page.locator(".loading").count(), 0, "nothing waits any more");
      await watched.look(`error-${name}`);
      await page.unroute(asks);
      if (there === undefined) return;
      const again = page.getByRole("button", { name: "Try again" });
      for (let left = await again.count(); left > 0; left -= 1) {
        await again.first().click();
        await page.waitForFunction((before) => [...document.querySelectorAll("button")].filter(({ textContent }) => textContent === "Try again").length < before, left);
      }
      await page.getByText(there).and(page.locator(":not(option)")).first().waitFor();
    });
  }

  await t.test("lists in which nothing is found say so, and lead back", async () => {
    await page.goto(`${served.origin}/members`);
    await page.getByText("grace@acme.example").waitFor();
    await page.getByRole("searchbox", { name: "Search" }).fill("nobody of this name");
    await page.getByText("No member matches.").waitFor();
    await watched.look("members-nothing-found");
    await page.getByRole("button", { name: "Clear search and filters" }).click();
    await page.getByText("grace@acme.example").waitFor();
    await page.goto(`${served.origin}/activity?action=member.remove`);
    await page.getByText("Nothing has happened that fits the filters.").waitFor();
    await watched.look("activity-nothing-found");
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await page.locator("tbody tr").first().waitFor();
    await page.goto(`${served.origin}/playground`);
    await page.getByRole("radio", { name: "A key kept in this browser" }).check();
    await page.getByText("This browser keeps no keys of this organisation.").waitFor();
    await watched.look("playground-no-keys");
  });

  await t.test("an address that is none, and a token that is none", async () => {
    await page.goto(`${served.origin}/tokens/00000000-0000-7000-8000-000000000000`);
    await page.getByRole("alert").waitFor();
    await watched.look("token-unknown");
    await page.goto(`${served.origin}/tokens`);
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    // What the server does not know stays a 404 problem of its own: only links inside the console lead here.
    await page.evaluate(() => {
      history.pushState(null, "", "/tokens/one/two");
      dispatchEvent(new PopStateEvent("popstate"));
    });
    await page.getByRole("heading", { name: "There is no such page", level: 1 }).waitFor();
    await watched.look("not-found");
  });

  await t.test("a session that has ended says so, and comes back to where one was", async () => {
    await page.goto(`${served.origin}/activity`);
    await page.getByRole("heading", { name: "Activity" }).waitFor();
    await page.locator("tbody tr").first().waitFor();
    served.advance(43_201);
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByText("Your session has ended. Please sign in again.").waitFor();
    await watched.look("sign-in-ended");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("heading", { name: "Members" }).waitFor();
    await page.getByText("grace@acme.example").waitFor();
  });
  watched.assertClean();
});

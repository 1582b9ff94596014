// The console without a mouse: from the first run to a token that is made and revoked. Nothing here is clicked, and the
// focus is where a person expects it.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { SETUP_CODE, open } from "./console.mjs";

/** The name by which a reader knows what has the focus. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return "";
    const label = element.labels?.[0]?.textContent ?? "";
    return (element.getAttribute("aria-label") ?? (label || element.textContent) ?? "").replaceAll(/\s+/gu, " ").trim();
  });

/** Presses Tab until something of this name has the focus, as a person would. */
async function tabTo(page, name, key = "Tab") {
  const seen = [];
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press(key);
    const now = await focused(page);
    if (name.test(now)) {
      // It can be seen that it has the focus.
      const outlined = await page.evaluate(() => {
        const element = document.activeElement;
        const visible = (node) => {
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
          return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
        };
        return visible(element) || (element.parentElement !== null && visible(element.parentElement));
      });
      assert.ok(outlined, `${now}: the focus cannot be seen`);
      return;
    }
    seen.push(now);
  }
  assert.fail(`${name} cannot be reached: ${seen.join(" | ")}`);
}

async function type(page, name, text) {
  await tabTo(page, name);
  await page.keyboard.type(text);
}

async function press(page, name, key = "Enter") {
  await tabTo(page, name);
  await page.keyboard.press(key);
}

test("first run, a token made and revoked, by keys alone", async (t) => {
  const served = await open(t);
  const watched = await served.page(t);
  const { page } = watched;
  await watched.authenticator();
  await watched.goto(`/setup#code=${SETUP_CODE}`);
  await page.getByRole("heading", { name: "Set up this instance" }).waitFor();
  const title = () => page.waitForFunction(() => document.activeElement?.tagName === "H1");
  await title();
  await type(page, /^Name/u, "Acme Rockets");
  await type(page, /^Your name/u, "Ada Lovelace");
  await type(page, /^Your mail address/u, "ada@acme.example");
  // Enter in a field sends the form.
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your first token" }).waitFor();
  await title();
  await press(page, /I have stored it/u, " ");
  await press(page, /^Go on/u);
  await page.getByRole("heading", { name: "Make your passkey" }).waitFor();
  await title();
  await press(page, /^Make a passkey/u);
  await page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
  await title();
  await press(page, /I have stored it/u, " ");
  await press(page, /^Go on/u);
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await title();
  await press(page, /^Sign in with your passkey/u);
  await page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
  await title();

  // The first stop skips the navigation.
  await page.keyboard.press("Home");
  await tabTo(page, /^Skip to the content/u);
  await page.keyboard.press("Enter");
  await press(page, /^Create a token/u);
  await page.getByRole("heading", { name: "Create a token" }).waitFor();
  await title();
  await type(page, /^Name/u, "by keys");
  await press(page, /^Read/u, " ");
  await press(page, /^Create the token/u);
  const shown = page.locator("[data-secret]");
  await shown.waitFor();
  const secret = (await shown.textContent()).trim();
  assert.equal((await served.whoami(secret)).status, 200);
  await press(page, /^Copy the secret/u);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await press(page, /I have stored it/u, " ");
  await press(page, /^Done/u);
  await page.getByRole("heading", { name: "by keys" }).waitFor();
  await title();

  await press(page, /^Revoke$/u);
  const dialog = page.getByRole("dialog", { name: "Revoke “by keys”?" });
  await dialog.waitFor();
  // The dialog holds the focus, whichever way one goes.
  for (let presses = 0; presses < 8; presses += 1) {
    await page.keyboard.press(presses < 4 ? "Tab" : "Shift+Tab");
    const inside = await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null);
    assert.ok(inside, "the focus left the dialog");
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  // The focus comes back to what opened the dialog.
  await page.waitForFunction(() => document.activeElement?.textContent === "Revoke");
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await press(page, /^Revoke the token/u);
  await page.getByText("It holds everywhere since").waitFor();
  assert.deepEqual(await served.whoami(secret), { status: 401, code: "revoked" });
  watched.assertClean();
});

test("every other page, by keys alone", async (t) => {
  const served = await open(t);
  const { secret: admin } = await served.setup();
  const watched = await served.page(t);
  const { page } = watched;
  const title = (name) => page.waitForFunction((text) => document.activeElement?.tagName === "H1" && document.activeElement.textContent === text, name);
  const go = async (name, heading = name) => {
    await page.keyboard.press("Home");
    await press(page, new RegExp(`^${name}$`, "u"));
    await title(heading);
  };

  await watched.goto("/members");
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await press(page, /^Use an access token/u);
  await type(page, /^Access token/u, admin);
  await page.keyboard.press("Enter");
  await title("Members");

  await t.test("somebody is invited, and edited", async () => {
    await press(page, /^Invite somebody/u);
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await type(page, /^Mail address/u, "grace@acme.example");
    await tabTo(page, /^Role/u);
    await page.keyboard.type("Dev");
    await press(page, /^Make the link/u);
    await page.locator("[data-secret]").waitFor();
    await press(page, /^Copy/u);
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).includes("/invitations/"));
    await press(page, /^Close/u);
    await dialog.waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.textContent === "Invite somebody");
    const { items } = await served.call(admin, "GET", "/v1/invitations");
    assert.deepEqual(items.map(({ email, role }) => [email, role]), [["grace@acme.example", "developer"]]);
    await served.call(admin, "POST", "/v1/members", { name: "Alan Turing", email: "alan@acme.example", role: "viewer" });
    await page.reload();
    await press(page, /^Use an access token/u);
    await type(page, /^Access token/u, admin);
    await page.keyboard.press("Enter");
    await title("Members");
    await press(page, /^Edit Alan Turing/u);
    await dialog.waitFor();
    await tabTo(page, /^Status/u);
    await page.keyboard.type("Susp");
    await press(page, /^Save/u);
    await page.getByRole("cell", { name: "Suspended" }).waitFor();
  });

  await t.test("a key is made, whose forms are tabs", async () => {
    await go("Tokens");
    await press(page, /^Create a token/u);
    await title("Create a token");
    // Choices of one are gone through by arrows.
    await tabTo(page, /^Personal access token/u);
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent.includes("API key"));
    await type(page, /^Name/u, "by keys");
    await type(page, /^Search permissions/u, "api:read");
    await press(page, /^api:read/u, " ");
    // The last of its choices is that it never ends, which has to be confirmed.
    await tabTo(page, /^30 days$/u);
    await page.keyboard.press("ArrowLeft");
    await tabTo(page, /A secret/u);
    await page.keyboard.press("ArrowDown");
    await press(page, /^It works until somebody revokes it/u, " ");
    await press(page, /^Create the token/u);
    const shown = page.locator("pre[data-secret]");
    await shown.waitFor();
    assert.match(await shown.textContent(), /BEGIN PRIVATE KEY/u);
    await tabTo(page, /^PEM/u);
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(page), "JWK");
    assert.match(await shown.textContent(), /"crv"/u);
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await focused(page), "CI snippet");
    assert.equal(await page.getByRole("tab", { selected: true }).textContent(), "CI snippet");
    // Tab goes on to what the tab shows.
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.matches("pre[data-secret]")), true);
    await press(page, /I have stored it/u, " ");
    await press(page, /^Done/u);
    await title("by keys");
  });

  await t.test("the list is searched, narrowed and put in order", async () => {
    await go("Tokens");
    await type(page, /^Search/u, "by keys");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await tabTo(page, /^Status/u);
    await page.keyboard.type("Rev");
    await page.getByText("Nothing matches").waitFor();
    await press(page, /^Clear search and filters/u);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length > 1);
    await press(page, /^Expires/u);
    await page.locator('th[aria-sort="descending"]', { hasText: "Expires" }).waitFor();
    await press(page, /^by keys/u);
    await title("by keys");
    await press(page, /^Edit$/u);
    await page.getByRole("dialog").waitFor();
    await tabTo(page, /^Description/u);
    await page.keyboard.type("What it is for");
    await press(page, /^Save/u);
    await page.getByRole("main").getByText("What it is for", { exact: true }).waitFor();
  });

  await t.test("a repository is onboarded, the log is filtered, a credential is tried", async () => {
    await go("Onboarding", "Onboard a repository");
    await type(page, /^Repository/u, "acme/shop");
    await press(page, /^Make the token/u);
    await page.locator("[data-secret]").waitFor();
    const secret = (await page.locator("[data-secret]").textContent()).trim();
    await press(page, /I have stored it/u, " ");
    await press(page, /^Done/u);
    await title("acme/shop");
    await go("Activity");
    await tabTo(page, /^Action/u);
    await page.keyboard.type("Invited");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await go("Playground");
    await type(page, /^Token/u, secret);
    await page.keyboard.press("Enter");
    await page.getByText("Allowed: ok").waitFor();
    await go("Your account");
  });

  await t.test("on a narrow page too, and the theme is chosen", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.keyboard.press("Home");
    await press(page, /^Menu/u, "Enter");
    await tabTo(page, /Theme: System theme/u);
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await watched.assertAccessible("dark by choice");
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    // It is kept, whatever the system says.
    await page.emulateMedia({ colorScheme: "light" });
    await page.reload();
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
    assert.equal(await paper(), dark);
  });
  watched.assertClean();
});

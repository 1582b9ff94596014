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
  await page.getByRole("heading", { name: "Make your passkey" }).waitFor();
  await title();
  await press(page, /^Make a passkey/u);
  await page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
  await title();
  await press(page, /I have stored it/u, " ");
  await press(page, /^Go on/u);
  await page.getByRole("heading", { name: "Your first token" }).waitFor();
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
  assert.match(await focused(page), /^Revoke$/u, "the focus comes back to what opened the dialog");
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await press(page, /^Revoke the token/u);
  await page.getByText("It holds everywhere since").waitFor();
  assert.deepEqual(await served.whoami(secret), { status: 401, code: "revoked" });
  watched.assertClean();
});

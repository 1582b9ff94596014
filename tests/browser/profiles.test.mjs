// The form of every kind of every profile, made from what the server says of it: each kind that the owner may create is
// created through it, with the least that it asks for, and works.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { open } from "./console.mjs";

for (const profile of ["symbolon", "devguard", "devpilot", "harborguard", "semgrep", "devtron"]) {
  test(`every kind of ${profile}`, async (t) => {
    const served = await open(t);
    const { secret: admin } = await served.setup(profile);
    const { kinds } = await served.call(admin, "GET", "/v1/kinds");
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin);
    const creatable = kinds.filter(({ can_create }) => can_create);
    assert.ok(creatable.length > 0);
    for (const kind of creatable) {
      await watched.goto(`/tokens/new?kind=${kind.name}`);
      // A page that is opened anew forgets the token, as it must.
      await watched.signIn(admin, `/tokens/new?kind=${kind.name}`);
      await page.getByRole("heading", { name: "Create a token" }).waitFor();
      await watched.assertAccessible(`${profile} ${kind.name}`);
      await page.getByRole("textbox", { name: /^Name/ }).fill(`made-of-${kind.name.replaceAll("_", "-")}`);
      const has = async (locator) => (await locator.count()) > 0;
      // Only the fields that the kind has.
      assert.equal(await has(page.locator("input[type=password]")), kind.passphrase !== null, `${kind.name}: passphrase`);
      assert.equal(await has(page.getByRole("checkbox", { name: /Make it switched off/ })), kind.create_inactive, `${kind.name}: switched off`);
      assert.equal(await has(page.getByRole("radio", { name: "Never", exact: true })), !kind.expiry.required, `${kind.name}: without end`);
      assert.equal(await has(page.getByRole("group", { name: "Scopes" })), kind.scopes.length > 0, `${kind.name}: scopes`);
      assert.equal(await has(page.getByLabel(/^Role/)), kind.roles.length > 0, `${kind.name}: role`);
      if (kind.scopes.length > 0) await page.getByRole("group", { name: "Scopes" }).getByRole("checkbox").first().check();
      else if (kind.roles.length > 0) await page.getByLabel(/^Role/).selectOption({ index: 1 });
      else await page.getByRole("group", { name: "Permissions" }).getByRole("checkbox").first().check();
      const preset = (kind.expiry.presets_seconds ?? []).length > 0;
      if (preset) await page.getByRole("group", { name: "When it ends" }).getByRole("radio").first().check();
      else {
        await page.getByRole("radio", { name: "Choose a date" }).check();
        await page.getByLabel("It ends on").fill(new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 16));
      }
      const cautions = page.getByRole("group", { name: "Please confirm" }).getByRole("checkbox");
      for (let index = 0; index < (await cautions.count()); index += 1) await cautions.nth(index).check();
      await page.getByRole("button", { name: "Create the token" }).click();
      const shown = page.locator("[data-secret]");
      await shown.waitFor();
      const secret = (await shown.textContent()).trim();
      assert.ok(secret.startsWith(kind.prefix), kind.name);
      assert.equal((await served.whoami(secret)).status, 200, kind.name);
      await page.getByLabel("I have stored it in a safe place.").check();
      await page.getByRole("button", { name: "Done" }).click();
      await page.getByRole("heading", { name: /made-of/ }).waitFor();
      await watched.assertAccessible(`${profile} ${kind.name}, made`);

      // Its life, as far as the kind has one.
      const button = (name) => page.getByRole("button", { name, exact: true });
      assert.equal(await has(button("Rotate")), kind.rotate !== null, `${kind.name}: rotate`);
      assert.equal(await has(button("Regenerate")), kind.regenerate, `${kind.name}: regenerate`);
      let current = secret;
      for (const [open, submit] of [["Rotate", "Make a new secret"], ["Regenerate", "Regenerate"]]) {
        if (!(await has(button(open)))) continue;
        await button(open).click();
        const dialog = page.getByRole("dialog");
        if (open === "Regenerate" && preset) await dialog.getByRole("group", { name: "When it ends" }).getByRole("radio").first().check();
        await dialog.getByRole("button", { name: submit, exact: true }).click();
        await shown.waitFor();
        const next = (await shown.textContent()).trim();
        assert.notEqual(next, current, `${kind.name}: ${open}`);
        assert.equal((await served.whoami(next)).status, 200, `${kind.name}: ${open}`);
        current = next;
        await page.getByLabel("I have stored it in a safe place.").check();
        await page.getByRole("button", { name: "Done" }).click();
      }
      await button("Revoke").click();
      await page.getByRole("button", { name: "Revoke the token" }).click();
      await page.getByText("It holds everywhere since").or(page.getByText("Edges learn of it in time")).waitFor();
      assert.equal((await served.whoami(current)).status, 401, `${kind.name}: revoked`);
    }
    watched.assertClean();
  });
}

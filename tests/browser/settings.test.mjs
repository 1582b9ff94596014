// What an organisation goes by, as it is written: its profile and the table of routes, read and replaced in the console.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { open } from "./console.mjs";

test("the profile and the routes are read and replaced, and what stands in the way is listed", async (t) => {
  const served = await open(t);
  const { secret } = await served.setup();
  const { token } = await served.call(secret, "POST", "/v1/tokens", { kind: "ci", name: "pipeline", scopes: ["read"] });
  const watched = await served.page(t);
  const { page } = watched;
  await watched.signIn(secret);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  assert.equal(await page.locator("nav [aria-current=page]").textContent(), "Settings");
  const profile = page.getByRole("region", { name: "Profile" });
  const routes = page.getByRole("region", { name: "Routes" });
  const text = profile.getByLabel("The profile, in TOML");
  await text.waitFor();
  const { profile: before } = await served.call(secret, "GET", "/v1/profile");
  assert.equal(await text.inputValue(), before);
  await routes.getByLabel("The routes, in JSON").waitFor();
  await watched.look("settings");
  const replace = async (section, what) => {
    await section.getByRole("button", { name: `Replace the ${what}` }).click();
    await page.getByRole("dialog", { name: `Replace the ${what}?` }).getByRole("button", { name: `Replace the ${what}` }).click();
  };
  const now = async () => (await served.call(secret, "GET", "/v1/profile")).profile;

  await t.test("the faults of a file are listed by their places", async () => {
    await text.fill(before.replace('owner = "member"', 'owner = "nobody"'));
    await replace(profile, "profile");
    await profile.getByRole("alert").getByText(/^Line \d+, column \d+: .*`nobody`.*`member`/u).waitFor();
    await watched.look("settings-profile-wrong");
    assert.equal(await now(), before);
  });

  await t.test("what lives and would have no kind is named", async () => {
    const renamed = before.replaceAll("[kinds.ci", "[kinds.pipe");
    assert.notEqual(renamed, before);
    await text.fill(renamed);
    await replace(profile, "profile");
    const item = profile.getByRole("alert").getByRole("listitem").first();
    await item.waitFor();
    assert.equal(await item.getByRole("link").getAttribute("href"), `/tokens/${token.id}`);
    await watched.look("settings-profile-conflict");
    assert.equal(await now(), before);
  });

  await t.test("it is not left unsaved without a question, and is replaced after one", async () => {
    let questions = 0;
    page.once("dialog", (dialog) => {
      questions += 1;
      void dialog.dismiss();
    });
    await page.getByRole("link", { name: "Members" }).click();
    assert.equal(questions, 1);
    const after = before.replace('title = "CI token"', 'title = "Pipeline token"');
    assert.notEqual(after, before);
    const file = { name: "mine.toml", mimeType: "application/toml", buffer: Buffer.from(after) };
    await profile.getByLabel("Take it from a file").setInputFiles(file);
    await profile.getByRole("button", { name: "Replace the profile" }).click();
    const question = page.getByRole("dialog", { name: "Replace the profile?" });
    await watched.look("settings-question");
    await question.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await now(), before, "nothing is done before the question is answered");
    await replace(profile, "profile");
    await page.getByText("The profile is replaced.").waitFor();
    assert.equal(await now(), after);
    // Every page goes by it at once.
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Tokens" }).click();
    await page.getByRole("link", { name: "Pipeline token" }).waitFor();
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();
  });

  await t.test("routes: what is no JSON, what no route can be, and what holds", async () => {
    const field = routes.getByLabel("The routes, in JSON");
    await field.waitFor();
    await field.fill('{"routes": [');
    await replace(routes, "routes");
    await routes.getByText(/^This is no JSON/u).waitFor();
    await field.fill('{"routes": [{"method": "GET", "path": "no slash", "permission": "api:read"}]}');
    await replace(routes, "routes");
    await routes.getByText(/^routes\[0\]\.path: /u).waitFor();
    const table = { routes: [{ method: "GET", path: "/reports/{*rest}", permission: "api:read" }] };
    await field.fill(JSON.stringify(table));
    await replace(routes, "routes");
    await page.getByText("The routes are replaced.").waitFor();
    const [route] = (await served.call(secret, "GET", "/v1/routes")).routes;
    assert.deepEqual([route.method, route.path, route.permission], ["GET", "/reports/{*rest}", "api:read"]);
  });
  watched.assertClean();

  await t.test("whoever may only look sees the text, and no button", async (t) => {
    const { secret: reader } = await served.call(secret, "POST", "/v1/tokens", { kind: "key", name: "reader", permissions: ["profile:view"], expires_at: null });
    const looking = await served.page(t);
    await looking.signIn(reader, "/tokens/settings");
    const there = looking.page.getByRole("region", { name: "Profile" });
    await there.getByText('name = "symbolon"').waitFor();
    assert.equal(await there.getByRole("button").count(), 0);
    assert.equal(await looking.page.getByRole("region", { name: "Routes" }).count(), 0);
    await looking.look("settings-reader");
    looking.assertClean();
  });
});

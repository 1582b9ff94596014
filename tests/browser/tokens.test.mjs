// A token's life in the console, as a person leads it, against the real Worker.
import { strict as assert } from "node:assert";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { open } from "./console.mjs";

test("tokens", async (t) => {
  const served = await open(t);
  const { secret: admin, organization } = await served.setup();

  await t.test("made, used, edited, rotated, regenerated, switched off and revoked", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin);
    await page.getByRole("link", { name: "Create a token" }).first().click();
    await page.getByRole("textbox", { name: /^Name/ }).fill("deploys");
    // Nothing is granted by itself: the form says so before anything is sent.
    const before = watched.requests.length;
    await page.getByRole("button", { name: "Create the token" }).click();
    await page.getByText("At least one scope is required.", { exact: true }).waitFor();
    assert.deepEqual(watched.requests.slice(before), []);

    await page.getByRole("checkbox", { name: /^Read/ }).check();
    await page.getByRole("checkbox", { name: /^Write/ }).check();
    // What calls for caution has to be confirmed.
    const caution = page.getByRole("checkbox", { name: /Whoever finds it can change things/ });
    await caution.waitFor();
    await page.getByRole("button", { name: "Create the token" }).click();
    assert.equal(await caution.evaluate((box) => box.validity.valueMissing), true);
    await caution.check();
    await page.getByRole("radio", { name: "7 days", exact: true }).check();
    await page.getByRole("button", { name: "Create the token" }).click();

    const shown = page.locator("[data-secret]");
    await shown.waitFor();
    const first = (await shown.textContent()).trim();
    assert.match(first, /^sym_pat_[0-9A-Za-z]{48}$/u);
    await page.getByRole("button", { name: "Copy the secret" }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first);
    assert.equal((await served.whoami(first)).status, 200);

    // It cannot be left by mistake: neither by the button nor by a link.
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByText("Please store it first").waitFor();
    let questions = 0;
    page.once("dialog", (dialog) => {
      questions += 1;
      void dialog.dismiss();
    });
    await page.getByRole("link", { name: "Members" }).click();
    assert.equal(questions, 1);
    // Nor by the back button, nor by loading the page anew.
    page.once("dialog", (dialog) => {
      questions += dialog.type() === "confirm" ? 1 : 0;
      void dialog.dismiss();
    });
    await page.evaluate(() => history.back());
    await page.waitForURL(/\/tokens\/new/u);
    assert.equal((await shown.textContent()).trim(), first);
    const asked = page.waitForEvent("dialog");
    const reloading = page.evaluate(() => location.reload());
    const dialogOfBrowser = await asked;
    assert.deepEqual([questions, dialogOfBrowser.type()], [2, "beforeunload"]);
    await dialogOfBrowser.dismiss();
    await reloading;
    assert.equal((await shown.textContent()).trim(), first);
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("heading", { name: "deploys" }).waitFor();
    assert.equal(await page.locator("[data-secret]").count(), 0);
    await page.getByText(/^Ends in/).waitFor();

    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByRole("dialog").getByRole("textbox", { name: /^Name/ }).fill("deploys of the shop");
    await page.getByRole("dialog").getByRole("checkbox", { name: /^Write/ }).uncheck();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "deploys of the shop" }).waitFor();
    await page.getByText("It holds everywhere since").waitFor();
    const { permissions } = await served.call(first, "GET", "/v1/whoami");
    assert.deepEqual(permissions, ["api:read"]);

    await page.getByRole("button", { name: "Rotate" }).click();
    await page.getByRole("radio", { name: "1 hour" }).check();
    await page.getByRole("button", { name: "Make a new secret" }).click();
    await shown.waitFor();
    const second = (await shown.textContent()).trim();
    assert.notEqual(second, first);
    // The old one lives on until the new one is used, which is reported a moment later.
    assert.equal((await served.whoami(first)).status, 200);
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();

    await page.getByRole("button", { name: "Regenerate" }).click();
    await page.getByRole("radio", { name: "30 days" }).check();
    await page.getByRole("dialog").getByRole("button", { name: "Regenerate" }).click();
    await shown.waitFor();
    const third = (await shown.textContent()).trim();
    assert.deepEqual(await served.whoami(second), { status: 401, code: "unknown_token" });
    assert.deepEqual(await served.whoami(first), { status: 401, code: "unknown_token" });
    assert.equal((await served.whoami(third)).status, 200);
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();

    await page.getByRole("button", { name: "Switch off" }).click();
    await page.getByRole("button", { name: "Switch on" }).waitFor();
    assert.deepEqual(await served.whoami(third), { status: 401, code: "inactive" });
    await page.getByRole("button", { name: "Switch on" }).click();
    await page.getByRole("button", { name: "Switch off" }).waitFor();

    await page.getByRole("button", { name: "Revoke" }).click();
    const dialog = page.getByRole("dialog", { name: "Revoke “deploys of the shop”?" });
    await dialog.getByText("What Ada Lovelace runs with it.").waitFor();
    await dialog.getByRole("button", { name: "Revoke the token" }).click();
    await page.getByText("It holds everywhere since").waitFor();
    assert.deepEqual(await served.whoami(third), { status: 401, code: "revoked" });
    await page.getByText("Revoked", { exact: true }).first().waitFor();
    assert.equal(await page.getByRole("button", { name: "Revoke" }).count(), 0);
    watched.assertClean();
  });

  await t.test("found by search, filters and order; in pages", async (t) => {
    // Imported, since creations are limited to some in a minute.
    const robot = (index) => ({
      kind: "key",
      name: `robot ${String(index).padStart(2, "0")}`,
      sha256: createHash("sha256").update(`robot ${index}`).digest("hex"),
      permissions: ["api:read"],
      expires_at: null,
      active: index !== 7,
    });
    await served.call(admin, "POST", "/v1/tokens/import", { tokens: Array.from({ length: 55 }, (_, index) => robot(index)) });
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/tokens?kind=key");
    const rows = page.locator("tbody tr");
    const names = () => page.locator("tbody .cell-name a").allTextContents();
    const settled = (expected) => page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, expected);
    await settled(50);
    await page.getByRole("button", { name: "Next page" }).click();
    await settled(5);
    await page.getByRole("button", { name: "Previous page" }).click();
    await settled(50);
    await page.getByRole("columnheader", { name: "Name" }).getByRole("button").click();
    await page.waitForFunction(() => document.querySelector("tbody .cell-name a")?.textContent === "robot 00");
    assert.equal(await page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort"), "ascending");
    await page.getByRole("searchbox", { name: "Search" }).fill("robot 3");
    await settled(10);
    assert.deepEqual((await names()).slice(0, 2), ["robot 30", "robot 31"]);
    // What is seen is in the address: another opens the same.
    assert.match(page.url(), /q=robot\+3/u);
    await page.getByRole("searchbox", { name: "Search" }).fill("");
    await page.getByLabel("Status").selectOption("inactive");
    await settled(1);
    assert.deepEqual(await names(), ["robot 07"]);
    assert.equal(await rows.count(), 1);
    watched.assertClean();
  });

  await t.test("permissions are found by searching, and a date is chosen by hand", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/tokens/new?kind=key");
    await page.getByText("marks what is required.").waitFor();
    await page.getByText("Name *", { exact: true }).waitFor();
    const group = page.getByRole("group", { name: "Permissions" });
    const all = await group.getByRole("checkbox").count();
    await page.getByLabel("Search permissions").fill("activity");
    await page.waitForFunction((before) => document.querySelectorAll('input[name="Permissions"]').length < before, all);
    await group.getByRole("checkbox", { name: /^activity:view/u }).check();
    await page.getByLabel("Search permissions").fill("nothing like it");
    await group.getByText("Nothing found.").waitFor();
    await page.getByLabel("Search permissions").fill("");
    await group.getByText("1 chosen").waitFor();
    await page.getByRole("textbox", { name: /^Name/u }).fill("until a day");
    await page.getByRole("radio", { name: "Choose a date" }).check();
    const day = new Date(Date.now() + 45 * 86_400_000).toISOString().slice(0, 10);
    await page.getByLabel("It ends on").fill(`${day}T12:00`);
    await page.getByRole("button", { name: "Add a resource" }).click();
    await page.getByRole("textbox", { name: /^Resource/u }).fill("team-a");
    await page.getByRole("button", { name: "Create the token" }).click();
    await page.locator("[data-secret]").waitFor();
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByText("api:read on team-a").waitFor();
    const { items } = await served.call(admin, "GET", "/v1/tokens?q=until+a+day");
    // Noon in Berlin, where this browser is.
    assert.match(items[0].expires_at, new RegExp(`^${day}T1[01]:00:00`, "u"));
    assert.deepEqual([items[0].permissions, items[0].grants], [["activity:view"], [{ permission: "api:read", resource: "team-a" }]]);
    watched.assertClean();
  });

  await t.test("times are written as the person writes them, where they are, with the exact one on hover", async (t) => {
    const [{ id, created_at }] = (await served.call(admin, "GET", "/v1/tokens?q=setup")).items;
    for (const [locale, timezoneId] of [["de-DE", "Asia/Tokyo"], ["en-US", "America/New_York"], ["ar-EG", "Africa/Cairo"]]) {
      const watched = await served.page(t, { locale, timezoneId });
      const { page } = watched;
      await watched.signIn(admin, `/tokens/${id}`);
      const time = page.locator(`time[datetime="${created_at}"]`).first();
      await time.waitFor();
      const [shown, hover] = [await time.textContent(), await time.getAttribute("title")];
      const as = (style) => new Intl.DateTimeFormat(locale, { ...style, timeZone: timezoneId }).format(new Date(created_at)).replaceAll(/\s/gu, " ");
      assert.equal(shown.replaceAll(/\s/gu, " "), as({ dateStyle: "medium", timeStyle: "short" }));
      assert.ok(hover.replaceAll(/\s/gu, " ").startsWith(as({ dateStyle: "full", timeStyle: "long" })), hover);
      assert.ok(hover.endsWith(`(${created_at})`), hover);
      watched.assertClean();
    }
  });

  await t.test("a pasted public key, with a challenge that another tool signs", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/tokens/new?kind=key");
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await page.getByRole("textbox", { name: /^Name/ }).fill("signed by OpenSSL");
    await page.getByRole("checkbox", { name: /^api:read/ }).check();
    await page.getByRole("radio", { name: "30 days" }).check();
    await page.getByRole("radio", { name: /A public key that you have/ }).check();
    await page.getByLabel("Public key", { exact: false }).last().fill(publicKey.export({ type: "spki", format: "pem" }));
    await page.getByRole("button", { name: "Get a challenge" }).click();
    const command = await page.getByText(/^printf %s/).textContent();
    const challenge = /'([^']+)'/u.exec(command)[1];
    await page.getByLabel("Signature").fill("not a signature");
    await page.getByRole("button", { name: "Create the token" }).click();
    await page.getByText("This is no ECDSA signature in base64.").waitFor();
    // DER, as OpenSSL writes it.
    await page.getByLabel("Signature").fill(sign("sha256", Buffer.from(challenge), privateKey).toString("base64"));
    await page.getByRole("button", { name: "Create the token" }).click();
    await page.getByText("The public key is registered.").waitFor();
    assert.match(await page.locator(".facts dd").textContent(), new RegExp(`^${organization.short_id}\\.[A-Za-z0-9_-]{43}$`, "u"));
    watched.assertClean();
  });

  await t.test("a key for CI: its private half is shown once, and never crosses the network or any storage", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    const frames = [];
    page.on("websocket", (socket) => frames.push(socket.url()));
    await watched.signIn(admin, "/tokens/new?kind=key");
    await page.getByRole("textbox", { name: /^Name/ }).fill("pipeline");
    await page.getByRole("checkbox", { name: /^api:read/ }).check();
    await page.getByRole("radio", { name: "30 days" }).check();
    await page.getByRole("radio", { name: /made here, for you to take away/ }).check();
    await page.getByRole("button", { name: "Create the token" }).click();
    const shown = page.locator("pre[data-secret]");
    await shown.waitFor();
    const pem = await shown.textContent();
    const forms = {};
    for (const [tab, form] of [["JWK", "jwk"], ["Hexadecimal", "hex"], ["CI snippet", "ci"]]) {
      await page.getByRole("tab", { name: tab }).click();
      forms[form] = await shown.textContent();
      await page.getByRole("button", { name: "Copy" }).click();
      await page.waitForFunction(async (text) => (await navigator.clipboard.readText()) === text, forms[form]);
    }
    // Taken away as a file, in the forms that tools read.
    for (const [tab, file, text] of [["PEM", "pipeline.pem", pem], ["JWK", "pipeline.jwk.json", forms.jwk], ["Hexadecimal", "pipeline.hex", forms.hex]]) {
      await page.getByRole("tab", { name: tab }).click();
      const downloading = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download" }).click();
      const download = await downloading;
      assert.equal(download.suggestedFilename(), file);
      assert.equal(await readFile(await download.path(), "utf8"), text);
    }
    await page.evaluate(() => navigator.clipboard.writeText(""));
    const key = createPrivateKey(pem);
    const jwk = key.export({ format: "jwk" });
    const scalar = Buffer.from(jwk.d, "base64url");
    // Every form is the same key.
    assert.equal(JSON.parse(forms.jwk).d, jwk.d);
    assert.equal(forms.hex.trim(), scalar.toString("hex"));
    assert.match(forms.ci, /secrets\.SYMBOLON_TOKEN/u);
    assert.ok(!forms.ci.includes(jwk.d));

    const everything = [
      ...watched.requests.map(({ method, url, headers, body }) => JSON.stringify({ method, url, headers, body })),
      await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie, state: history.state, address: location.href })),
      await page.evaluate(async () => {
        const found = [];
        for (const { name } of await indexedDB.databases()) {
          const database = await new Promise((resolve, reject) => {
            const request = indexedDB.open(name);
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
          });
          for (const store of database.objectStoreNames) {
            found.push(await new Promise((resolve) => {
              const request = database.transaction(store).objectStore(store).getAll();
              request.onsuccess = () => resolve(JSON.stringify(request.result));
            }));
          }
          database.close();
        }
        return found.join("\n");
      }),
    ].join("\n");
    const pkcs8 = key.export({ type: "pkcs8", format: "der" });
    const encodings = [scalar, pkcs8].flatMap((bytes) => [
      bytes.toString("hex"),
      bytes.toString("base64").replace(/=+$/u, ""),
      bytes.toString("base64url"),
      encodeURIComponent(bytes.toString("base64")),
      // Inside other base64, at each of its three places.
      ...[0, 1, 2].map((before) => Buffer.concat([Buffer.alloc(before), bytes]).toString("base64").slice(before === 0 ? 0 : before + 1, -4)),
      [...bytes].join(","),
      bytes.toString("latin1"),
    ]);
    encodings.push(BigInt(`0x${scalar.toString("hex")}`).toString());
    for (const encoding of encodings) assert.ok(!everything.toLowerCase().includes(encoding.toLowerCase()), "the private half left the page");
    // The search would find it: the public half did cross, and is found the same way.
    const { x } = createPublicKey(key).export({ format: "jwk" });
    assert.ok(everything.includes(Buffer.from(x, "base64url").toString("hex")));
    assert.deepEqual(frames, []);
    watched.assertClean();
  });

  await t.test("a key kept in this browser cannot be read, and signs in the playground", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/tokens/new?kind=key");
    await page.getByRole("textbox", { name: /^Name/ }).fill("kept here");
    await page.getByRole("checkbox", { name: /^api:read/ }).check();
    await page.getByRole("radio", { name: "30 days" }).check();
    await page.getByRole("radio", { name: /kept in this browser/ }).check();
    await page.getByRole("button", { name: "Create the token" }).click();
    await page.getByText("The private key is kept in this browser").waitFor();
    const outcome = await page.evaluate(async () => {
      const database = await new Promise((resolve) => {
        const request = indexedDB.open("symbolon-console");
        request.onsuccess = () => resolve(request.result);
      });
      const [{ name, pair: { privateKey } }] = await new Promise((resolve) => {
        const request = database.transaction("keys").objectStore("keys").getAll();
        request.onsuccess = () => resolve(request.result);
      });
      database.close();
      const tried = [];
      for (const format of ["pkcs8", "jwk"]) tried.push(await crypto.subtle.exportKey(format, privateKey).then(() => "read", (error) => error.name));
      return { name, extractable: privateKey.extractable, tried };
    });
    await watched.look("created-kept");
    const keyid = await page.locator(".facts dd").textContent();
    assert.deepEqual(outcome, { name: keyid, extractable: false, tried: ["InvalidAccessError", "InvalidAccessError"] });
    await page.getByRole("button", { name: "Done" }).click();

    await page.getByRole("link", { name: "Playground" }).click();
    await page.getByRole("radio", { name: "A key kept in this browser" }).check();
    await page.getByLabel("Permission that it needs").selectOption("api:read");
    // Signing alone asks nobody.
    const before = watched.requests.length;
    await page.getByRole("button", { name: "Sign it" }).click();
    await page.getByText('"@signature-params"').first().waitFor();
    assert.deepEqual(watched.requests.slice(before), []);
    assert.equal(await page.locator(".decision").count(), 0);
    await page.getByRole("button", { name: "Decide" }).click();
    await page.getByText("Allowed: ok").waitFor();
    assert.match(await page.locator("pre.code").first().textContent(), /^"@method": GET\n"@authority": localhost:\d+\n"@path": \/v1\/whoami\n"@query": \?\n"@signature-params": /u);
    await watched.look("playground-decided");
    await page.getByLabel("Permission that it needs").selectOption("api:write");
    await page.getByRole("button", { name: "Decide" }).click();
    await page.getByText("Refused: insufficient_permission").waitFor();
    assert.match(await page.locator(".decision .failed").textContent(), /It may do this/u);
    await page.getByRole("button", { name: "Send it" }).click();
    await page.getByRole("heading", { name: "Answer" }).waitFor();
    assert.match(await page.locator("pre.code").last().textContent(), /"name": "kept here"/u);

    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("button", { name: "Forget the key of kept here" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Forget" }).click();
    await page.getByText("This browser keeps no keys.").waitFor();
    watched.assertClean();
  });

  await t.test("one without end: that is confirmed, and the list says so", async (t) => {
    const watched = await served.page(t);
    const { page } = watched;
    await watched.signIn(admin, "/tokens/new?kind=key");
    await page.getByRole("textbox", { name: /^Name/ }).fill("for ever");
    await page.getByRole("checkbox", { name: /^Read/ }).check();
    await page.getByRole("radio", { name: "Choose a date" }).check();
    const caution = page.getByRole("checkbox", { name: "It works until somebody revokes it." });
    assert.equal(await caution.count(), 0, "what ends needs no word");
    await page.getByRole("radio", { name: "Never", exact: true }).check();
    await caution.waitFor();
    const before = watched.requests.length;
    await page.getByRole("button", { name: "Create the token" }).click();
    assert.equal(await caution.evaluate((box) => box.validity.valueMissing), true);
    assert.deepEqual(watched.requests.slice(before), [], "nothing is made before it is confirmed");
    await caution.check();
    await page.getByRole("button", { name: "Create the token" }).click();
    await page.locator("[data-secret]").waitFor();
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("heading", { name: "for ever" }).waitFor();
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Tokens" }).click();
    const row = page.getByRole("row", { name: /for ever/ });
    await row.waitFor();
    const columns = await page.getByRole("columnheader").allTextContents();
    const cells = await row.getByRole("cell").or(row.getByRole("rowheader")).allTextContents();
    assert.equal(cells[columns.findIndex((name) => name.trim() === "Expires")].trim(), "Never", cells.join(" | "));
    watched.assertClean();
  });
});

test("what a form gives to whoever chooses nothing is said and confirmed, it ends by itself, and a role is chosen", async (t) => {
  const served = await open(t);
  const { secret } = await served.setup("harborguard");
  const watched = await served.page(t);
  const { page } = watched;
  await watched.signIn(secret, "/tokens/new?kind=pat");
  await page.getByText("Choose what it needs. Where nothing is chosen, it gets “All”.").waitFor();
  assert.equal(await page.getByText("At least one of these is required.").count(), 0);
  const ends = page.getByRole("group", { name: "When it ends" });
  assert.equal(await ends.getByRole("radio", { name: "30 days" }).isChecked(), true);
  assert.equal(await ends.getByRole("radio", { name: "Never" }).isChecked(), false);
  await page.getByRole("textbox", { name: /^Name/u }).fill("nothing chosen");
  const confirm = page.getByRole("checkbox", { name: "Nothing is chosen, so it gets “All”." });
  const everything = page.getByRole("checkbox", { name: "It may do everything that your role permits, now and later." });
  await watched.look("create-nothing-chosen");
  const made = async () => (await served.call(secret, "GET", "/v1/tokens")).items.filter(({ name }) => name === "nothing chosen");
  await page.getByRole("button", { name: "Create the token" }).click();
  assert.equal(await confirm.evaluate((box) => box.validity.valueMissing), true);
  assert.deepEqual(await made(), [], "not without a word");
  // One permission is a choice, and nothing else comes with it.
  const permission = page.getByRole("group", { name: "Permissions" }).getByRole("checkbox").first();
  await permission.check();
  await confirm.waitFor({ state: "detached" });
  await permission.uncheck();
  await confirm.check();
  await everything.check();
  await page.getByRole("button", { name: "Create the token" }).click();
  await page.locator("[data-secret]").waitFor();
  await page.getByText(/^Set \w+ first\./u).waitFor();
  await page.getByText(/^read -rs (\w+) && export \1\ncurl .*\$\1"/u).waitFor();
  await watched.look("created-use-it");
  const [token] = await made();
  assert.deepEqual(token.scopes, ["all"]);
  assert.ok(Date.parse(token.expires_at) < Date.now() + 31 * 86_400_000);
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Done" }).click();

  await page.getByRole("link", { name: "Tokens" }).first().click();
  await page.getByRole("link", { name: "Create a token" }).first().click();
  await page.getByRole("radio", { name: /API key/iu }).check();
  const role = page.getByLabel(/^Role/u);
  assert.equal(await role.locator("option").first().textContent(), "Choose a role…");
  await page.getByRole("textbox", { name: /^Name/u }).fill("without a role");
  await page.getByRole("button", { name: "Create the token" }).click();
  assert.equal(await role.evaluate((select) => select.validity.valueMissing), true);
  watched.assertClean();
});

// The console in Chromium, against the built Worker in workerd. One instance and one browser for a file of tests; a
// context of its own, without anything stored, for each test that asks for one.
import { strict as assert } from "node:assert";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { folderOf, start, worker } from "../../xtask/js/instance.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const SETUP_CODE = "0123456789abcdef0123456789abcdef";
const INSTANCE_SECRET = "an instance secret for tests, of 32 bytes and more";
const SCREENSHOTS = join(root, "screenshots");
const AXE = join(root, "node_modules/axe-core/axe.min.js");

/** Where Chromium is: Debian's, or what CHROMIUM names. */
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A port that nobody has, for what must know its own address before it starts. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A served instance and a browser, until `t` ends; `bindings`: further ones; `port`: a given one. */
export async function open(t, { bindings = {}, port } = {}) {
  const assets = join(root, "dist/www");
  assert.ok(existsSync(join(assets, "index.html")), "dist/www is built by cargo xtask build www");
  const clock = { offset: 0 };
  const instance = await start({
    workers: [
      worker({
        folder: folderOf("worker-test"),
        assets,
        bindings: { SETUP_CODE, INSTANCE_SECRET, GATEWAY_HOSTS: "api.example", ...bindings },
        serviceBindings: { TEST_CLOCK: async () => new Response(JSON.stringify({ offset: clock.offset })) },
        ...(port !== undefined && { port }),
      }),
    ],
  });
  t.after(() => instance.dispose());
  const address = await instance.unsafeGetDirectURL("symbolon");
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
  t.after(() => browser.close());
  // A passkey belongs to a name, and `localhost` is one; an address is none.
  return new Served(`http://localhost:${new URL(address).port}`, browser, clock);
}

class Served {
  #clock;

  constructor(origin, browser, clock) {
    this.origin = origin;
    this.browser = browser;
    this.#clock = clock;
  }

  /** Moves the server's clock; the browser's own goes on. */
  advance(seconds) {
    this.#clock.offset += seconds * 1000;
  }

  /** Sends a call to the interface; its document, or the failure of the test. */
  async call(token, method, path, body) {
    const headers = { ...(body !== undefined && { "content-type": "application/json" }), ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const response = await fetch(this.origin + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** The status and code with which the interface answers this token. */
  async whoami(token) {
    const response = await fetch(`${this.origin}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
    const { code } = await response.json();
    return { status: response.status, code };
  }

  /** Sets the instance up over the interface, for tests that are about something else. */
  async setup(profile = "symbolon") {
    return this.call(undefined, "POST", "/v1/setup", {
      setup_code: SETUP_CODE,
      organization: { slug: "acme", name: "Acme Rockets", profile },
      owner: { name: "Ada Lovelace", email: "ada@acme.example" },
    });
  }

  /** A page in a context of its own, watched. */
  async page(t, options = {}) {
    const context = await this.browser.newContext({ locale: "en-GB", timezoneId: "Europe/Berlin", viewport: { width: 1280, height: 900 }, ...options });
    t.after(() => context.close());
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: this.origin });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    return new Watched(page, context, this.origin);
  }
}

/** A page of the console, with everything that it asked for and complained about. */
export class Watched {
  /** Every request, with its body. */
  requests = [];
  complaints = [];

  constructor(page, context, origin) {
    this.page = page;
    this.context = context;
    this.origin = origin;
    page.on("request", (request) => this.requests.push({ method: request.method(), url: request.url(), headers: request.headers(), body: request.postData() ?? "" }));
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // An answer that refuses is no fault of the page; what it does with it is tested.
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) this.complaints.push(`console: ${message.text()}`);
    });
  }

  goto(path) {
    return this.page.goto(this.origin + path);
  }

  /** Signs in with an access token, as a person would. */
  async signIn(token, path = "/tokens") {
    await this.goto(path);
    await this.page.getByText("Use an access token").click();
    await this.page.getByLabel("Access token").fill(token);
    await this.page.locator("details[open]").getByRole("button", { name: "Sign in" }).click();
    await this.page.getByRole("navigation", { name: "Main" }).waitFor({ state: "attached" });
  }

  /** A key that the browser's own authenticator keeps; the person always consents. */
  async authenticator(options = {}) {
    const session = await this.context.newCDPSession(this.page);
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        ...options,
      },
    });
    return { session, authenticatorId };
  }

  /** Gives the member of this token a passkey of this browser, as a person does, and signs them in with it. */
  async session(token, path = "/tokens") {
    const { page } = this;
    await this.authenticator();
    await this.signIn(token, "/account");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByText("The passkey is added.").waitFor();
    // Recovery codes come with the first one alone.
    const stored = page.getByLabel("I have stored it in a safe place.");
    if ((await stored.count()) > 0) {
      await stored.check();
      await page.getByRole("button", { name: "Done" }).click();
    }
    await this.goto(`/sign-in?next=${encodeURIComponent(path)}`);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor({ state: "attached" });
  }

  /** From the first-run link to signed in with a passkey, with the mouse; the first token and the recovery codes. */
  async firstRun(profile = "symbolon") {
    const { page } = this;
    await this.goto(`/setup#code=${SETUP_CODE}`);
    await page.getByLabel("Profile").selectOption(profile);
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Acme Rockets");
    await page.getByRole("textbox", { name: /^Your name/u }).fill("Ada Lovelace");
    await page.getByRole("textbox", { name: /^Your mail address/u }).fill("ada@acme.example");
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByRole("heading", { name: "Your first token" }).waitFor();
    const secret = (await page.locator("pre[data-secret]").textContent()).trim();
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Make a passkey" }).click();
    await page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
    const codes = await page.locator("[data-secret] li").allTextContents();
    await page.getByLabel("I have stored it in a safe place.").check();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Sign in with your passkey" }).click();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    return { codes, secret };
  }

  /** No other host was asked, nothing threw, and no policy was broken. */
  assertClean(allowed = []) {
    assert.deepEqual(this.complaints, []);
    const own = [this.origin, ...allowed];
    const others = this.requests.filter(({ url }) => !own.some((origin) => url.startsWith(`${origin}/`)) && !url.startsWith("blob:") && !url.startsWith("data:"));
    assert.deepEqual(others, []);
  }

  /** What axe-core finds against WCAG 2.2 AA and its best practices. */
  async violations() {
    // The page's policy lets no script of another origin in; the debugger's own evaluation is not under it.
    if (!(await this.page.evaluate(() => "axe" in globalThis))) {
      const { readFileSync } = await import("node:fs");
      await this.page.evaluate(readFileSync(AXE, "utf8"));
    }
    const { violations } = await this.page.evaluate(() =>
      globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
    );
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} (${failureSummary.replaceAll("\n", " ")})`).join("; ")}`);
  }

  /** axe-core finds nothing, and nothing is wider than the window. */
  async assertAccessible(where) {
    assert.deepEqual(await this.violations(), [], where);
    const { wide, room } = await this.page.evaluate(() => ({ wide: document.documentElement.scrollWidth, room: document.documentElement.clientWidth }));
    assert.ok(wide <= room, `${where}: ${wide} pixels in ${room}`);
  }

  /** Looks at the page in both themes, wide and at 360 pixels, with axe-core each time, and writes what it looks like. */
  async look(name) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    for (const [size, width] of [["wide", 1280], ["360", 360]]) {
      for (const colorScheme of ["light", "dark"]) {
        await this.page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
        await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await this.assertAccessible(`${name}, ${size}, ${colorScheme}`);
        await this.page.evaluate(() => window.scrollTo(0, 0));
        await this.page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${colorScheme}.png`), fullPage: (await this.page.getByRole("dialog").count()) === 0 });
      }
    }
    await this.page.setViewportSize({ width: 1280, height: 900 });
    await this.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  }
}

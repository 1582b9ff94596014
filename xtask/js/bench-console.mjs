// The console in Chromium, against the Worker as it is deployed, in workerd: how long a list of an organisation with
// 1,000 tokens takes, from the address to its rows on the screen, with the files from the network and from the cache.
// Settings come as JSON in the first argument: { worker, assets, rounds }.
import { createHash } from "node:crypto";
import { chromium } from "playwright-core";
import { start, worker } from "./instance.mjs";

const TOKENS = 1000;
/** As many as fit into one import. */
const BATCH = 100;
const SETUP_CODE = "0123456789abcdef0123456789abcdef";
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const { worker: folder, assets, rounds } = JSON.parse(process.argv[2]);
const bindings = { SETUP_CODE, INSTANCE_SECRET: "an instance secret for a benchmark, long enough" };
const instance = await start({ workers: [worker({ folder, assets, bindings })] });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
try {
  const origin = `http://localhost:${new URL(await instance.unsafeGetDirectURL("symbolon")).port}`;
  const call = async (path, body, token) => {
    const headers = { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const response = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const { secret } = await call("/v1/setup", {
    setup_code: SETUP_CODE,
    organization: { slug: "acme", name: "Acme", profile: "symbolon" },
    owner: { name: "Ada", email: "ada@acme.example" },
  });
  for (let first = 0; first < TOKENS; first += BATCH) {
    const tokens = Array.from({ length: BATCH }, (_, index) => ({
      kind: "key",
      name: `service ${first + index}`,
      sha256: createHash("sha256").update(`service ${first + index}`).digest("hex"),
      permissions: ["api:read", "api:write"],
      expires_at: null,
    }));
    await call("/v1/tokens/import", { tokens }, secret);
  }

  // A session outlives a page; a passkey of a virtual authenticator begins it.
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(`${origin}/account`);
  await page.getByText("Use an access token").click();
  await page.getByLabel("Access token").fill(secret);
  await page.locator("details[open]").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByLabel("I have stored it in a safe place.").check();
  await page.getByRole("button", { name: "Done" }).click();
  await page.goto(`${origin}/sign-in`);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Tokens" }).waitFor();

  // In the page, before its own script: the moment at which the rows are there, and painted.
  await context.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (document.querySelectorAll("tbody tr").length < 50) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => {
        globalThis.rowsAt = performance.now();
      }, 0));
    }).observe(document, { childList: true, subtree: true });
  });
  const measure = async (cached) => {
    await session.send("Network.setCacheDisabled", { cacheDisabled: !cached });
    await page.goto(`${origin}/tokens?kind=key`);
    await page.waitForFunction(() => globalThis.rowsAt !== undefined);
    return page.evaluate(() => ({
      rows: globalThis.rowsAt,
      painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
      bytes: performance.getEntriesByType("resource").reduce((sum, { transferSize }) => sum + transferSize, 0),
    }));
  };
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  console.log(`first list of ${TOKENS.toLocaleString("en")} tokens (50 rows), milliseconds from the address, median of ${rounds}`);
  for (const [name, cached] of [["without a cache", false], ["with a cache", true]]) {
    const found = [];
    await measure(cached);
    for (let round = 0; round < rounds; round += 1) found.push(await measure(cached));
    const [rows, painted, bytes] = ["rows", "painted", "bytes"].map((key) => median(found.map((one) => one[key])));
    console.log(`  ${name.padEnd(16)} first paint ${painted.toFixed(0).padStart(5)}   rows ${rows.toFixed(0).padStart(5)}   ${(bytes / 1024).toFixed(0)} KiB over the network`);
  }
} finally {
  await browser.close();
  await instance.dispose();
}

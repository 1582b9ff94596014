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

  // In the page, before its own script: the moment at which the rows are there, and painted; what Lighthouse looks at.
  await context.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (document.querySelectorAll("tbody tr").length < 50) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => {
        globalThis.rowsAt = performance.now();
      }, 0));
    }).observe(document, { childList: true, subtree: true });
    globalThis.found = { largest: 0, blocked: 0, shifted: 0 };
    const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
    watch("largest-contentful-paint", ({ startTime }) => {
      globalThis.found.largest = startTime;
    });
    watch("longtask", ({ duration }) => {
      globalThis.found.blocked += duration - 50;
    });
    watch("layout-shift", ({ value }) => {
      globalThis.found.shifted += value;
    });
  });
  await session.send("Network.enable");
  const measure = async ({ cached, network, slowdown }) => {
    await session.send("Network.setCacheDisabled", { cacheDisabled: !cached });
    await session.send("Network.emulateNetworkConditions", { offline: false, ...network });
    await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
    await page.goto(`${origin}/tokens?kind=key`);
    await page.waitForFunction(() => globalThis.rowsAt !== undefined);
    return page.evaluate(() => ({
      ...globalThis.found,
      rows: globalThis.rowsAt,
      painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
      bytes: performance.getEntriesByType("resource").reduce((sum, { transferSize }) => sum + transferSize, 0),
    }));
  };
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const whole = (value, width) => value.toFixed(0).padStart(width);
  const FREE = { network: { latency: 0, downloadThroughput: -1, uploadThroughput: -1 }, slowdown: 1 };
  // What Lighthouse calls a phone: 150 ms there and back and 1.6 Mbit/s, as DevTools emulates them, and a fourth of the CPU.
  const PHONE = { network: { latency: 562.5, downloadThroughput: 184_320, uploadThroughput: 84_375 }, slowdown: 4 };
  console.log(`first list of ${TOKENS.toLocaleString("en")} tokens (50 rows), milliseconds from the address, median of ${rounds}; files are served as they are, without gzip`);
  console.log(`  ${"".padEnd(28)} first paint  largest   rows  blocked  shift  KiB over the network`);
  for (const [name, conditions] of [
    ["without a cache", { ...FREE, cached: false }],
    ["with a cache", { ...FREE, cached: true }],
    ["a phone, without a cache", { ...PHONE, cached: false }],
    ["a phone, with a cache", { ...PHONE, cached: true }],
  ]) {
    const turns = [];
    await measure(conditions);
    for (let round = 0; round < rounds; round += 1) turns.push(await measure(conditions));
    const of = (key) => median(turns.map((one) => one[key]));
    console.log(
      `  ${name.padEnd(28)} ${whole(of("painted"), 11)} ${whole(of("largest"), 8)} ${whole(of("rows"), 6)} ${whole(of("blocked"), 8)} ${of("shifted").toFixed(3).padStart(6)} ${whole(of("bytes") / 1024, 8)}`,
    );
  }
} finally {
  await browser.close();
  await instance.dispose();
}

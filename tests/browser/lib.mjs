// Chromium, headless, and a server on localhost that serves pages under a strict Content-Security-Policy and hands /v1
// on to the Worker with the Host that the browser sent.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** A browser with an empty profile; it ends with the test. */
export async function browser(t) {
  const profile = mkdtempSync(join(tmpdir(), "symbolon-chromium-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, headless: true });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  return context;
}

const TYPES = { html: "text/html", js: "text/javascript", mjs: "text/javascript", json: "application/json", wasm: "application/wasm", css: "text/css" };

/** What a page may do: run its own scripts and compile WebAssembly, and nothing else. */
export const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; base-uri 'none'; form-action 'none'";
export const WITHOUT_WASM = STRICT.replace(" 'wasm-unsafe-eval'", "");

/**
 * Serves files `{"/path": text or Buffer}`; a path that is not among them goes to `fallback(path)`. `api` is the Worker's
 * address, for /v1.
 */
export async function serve(t, { files, fallback, api, policy = STRICT }) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    if (api !== undefined && path.startsWith("/v1/")) {
      const { hostname, port } = new URL(api);
      const forward = httpRequest({ hostname, port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      request.pipe(forward);
      return;
    }
    const content = files[path] ?? (await fallback?.(path));
    if (content === undefined || content === null) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[path.split(".").at(-1)] ?? "text/html";
    response.writeHead(200, { "content-type": type, "content-security-policy": policy, "x-content-type-options": "nosniff" }).end(content);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }));
  return `http://localhost:${server.address().port}`;
}

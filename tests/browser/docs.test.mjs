// The reference of the HTTP interface: Swagger UI over this instance's own document, under a policy of its own.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { send } from "../workerd/lib/http.mjs";
import { open } from "./console.mjs";

const METHODS = new Set(["get", "put", "post", "delete", "patch", "options", "head", "trace"]);

test("every call of the document is shown, from this host alone", async (t) => {
  const served = await open(t);
  const answer = await fetch(`${served.origin}/openapi.json`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/json/u);
  const document = await answer.json();
  assert.match(document.openapi, /^3\.1\./u);
  const operations = Object.values(document.paths).flatMap((item) => Object.keys(item).filter((method) => METHODS.has(method)));
  assert.ok(operations.length > 60, `${operations.length} operations`);

  const watched = await served.page(t);
  const page = await watched.goto("/docs");
  assert.equal(page.status(), 200);
  assert.match(page.headers()["content-security-policy"], /script-src 'self';/u);
  await watched.page.locator(".opblock").first().waitFor();
  assert.equal(await watched.page.locator(".opblock").count(), operations.length);
  await watched.page.locator("#operations-tokens-createToken, .opblock-post").first().click();
  await watched.page.locator(".opblock.is-open .opblock-body").waitFor();
  watched.assertClean();
});

test("a gateway host shows neither", async (t) => {
  const served = await open(t);
  for (const path of ["/openapi.json", "/docs", "/docs/swagger-ui.css", "/profile.schema.json"]) {
    const there = await send(new URL(served.origin.replace("localhost", "127.0.0.1")), { method: "GET", path, host: "localhost" });
    assert.equal(there.status, 200, path);
    const answer = await send(new URL(served.origin.replace("localhost", "127.0.0.1")), { method: "GET", path, host: "api.example" });
    assert.notEqual(answer.status, 200, path);
    assert.ok(!answer.text.includes("openapi") && !answer.text.includes("swagger"), path);
  }
});

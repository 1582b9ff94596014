// A Durable Object's storage under an authority: the contract of the store's port, and what a trap leaves behind.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { launch } from "./lib/product.mjs";

test("SqlStorage keeps the contract of the store", async (t) => {
  const product = await launch(t);
  const { status, json, text } = await product.inObject("locator", "contract", "contract");
  assert.equal(status, 200, text);
  const results = json ?? JSON.parse(text);
  assert.ok(results.length >= 9);
  for (const result of results) assert.match(result, /^ok: /u);
});

test("a trap in an authority's transaction takes its writes back, rejects the call, and spoils no later one", async (t) => {
  const product = await launch(t);
  const tables = async () => JSON.parse((await product.inObject("locator", "trap", "tables")).text);
  assert.deepEqual(await tables(), []);
  for (const run of ["trap-in-transaction", "trap"]) {
    const trapped = await product.inObject("locator", "trap", run);
    assert.equal(trapped.status, 500);
    assert.deepEqual(await tables(), []);
  }
  assert.ok(product.logged.some((line) => line.includes('"event":"trap"') && line.includes('"where":"locator"')));
});

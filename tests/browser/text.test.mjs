// Every sentence of the console stands in www/src/text.ts or explain.ts: no page has words of its own, neither between
// tags nor in what readers are told.
import { strict as assert } from "node:assert";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";

const SOURCE = fileURLToPath(new URL("../../www/src", import.meta.url));
/** Attributes whose text a person reads or hears. */
const TOLD = new Set(["title", "label", "alt", "placeholder", "hint", "lead", "aria-label", "aria-description", "text", "done", "submit"]);
const WORD = /\p{L}{2,}/u;

function wordsIn(name, text) {
  const { program, errors } = parseSync(name, text);
  assert.deepEqual(errors, [], name);
  const found = [];
  const visit = (node) => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== "object" || node === null) return;
    if (node.type === "JSXText" && WORD.test(node.value)) found.push(`${name}: ${node.value.trim()}`);
    if (node.type === "JSXAttribute" && node.value?.type === "Literal" && TOLD.has(node.name.name) && WORD.test(node.value.value)) found.push(`${name}: ${node.name.name}="${node.value.value}"`);
    for (const child of Object.values(node)) visit(child);
  };
  visit(program.body);
  return found;
}

test("words are in one place", () => {
  assert.deepEqual(wordsIn("a.tsx", 'export const A = () => <p aria-label="of its own" class="no word">here {1}</p>;').length, 2, "it would notice");
  const names = readdirSync(SOURCE, { recursive: true }).filter((name) => name.endsWith(".tsx"));
  assert.ok(names.length > 20);
  assert.deepEqual(names.flatMap((name) => wordsIn(name, readFileSync(join(SOURCE, name), "utf8"))), []);
});

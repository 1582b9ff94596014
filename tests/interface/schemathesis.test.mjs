// Schemathesis over the OpenAPI document, against the built Worker in workerd: with an owner's token and as a stranger, no
// answer is an error of the server, and none is of a status, a content type, a header or a schema that the document does
// not name. The public paths of each system are asked under its own profile as well, which alone answers there. The seed is fixed, so that a run can be repeated; SYMBOLON_EXAMPLES asks for more than the usual few.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "../workerd/lib/product.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const PROGRAM = path("../../.tools/python/bin/schemathesis");
const DOCUMENT = path("../../dist/www/openapi.json");
const EXAMPLES = process.env.SYMBOLON_EXAMPLES ?? "6";
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
];

/** A profile with limits that nothing here reaches: what is limited would hide every other answer. */
async function profile(name = "symbolon") {
  const text = await readFile(path(`../../profiles/${name}.toml`), "utf8");
  return text.replace(/^\[/mu, "[limits]\ncreation = { max = 1000, seconds = 1 }\nfailed = { max = 1000, seconds = 1 }\n\n[");
}

/** Runs it; what it printed, and how many cases it made. */
async function run(t, url, headers, further = []) {
  const folder = await mkdtemp(join(tmpdir(), "schemathesis-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const words = ["run", DOCUMENT, "--url", url, "--checks", CHECKS.join(","), "--phases", "examples,coverage,fuzzing"];
  words.push("--max-examples", EXAMPLES, "--seed", "1", "--generation-database", "none", "--continue-on-failure", "--no-color");
  for (const header of headers) words.push("--header", header);
  words.push(...further);
  const child = spawn(PROGRAM, words, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, SCHEMATHESIS_HOOKS: "hooks", PYTHONPATH: path("."), PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const [code] = await once(child, "close");
  const generated = Number(/^\s*(\d+) generated/mu.exec(output)?.[1] ?? 0);
  t.diagnostic(`${generated} requests`);
  return { code, output, generated };
}

const setting = { bindings: { CLIENT_ADDRESS_HEADER: "cf-connecting-ip" } };

for (const [who, headers] of [
  ["an owner", (owner) => [`Authorization: Bearer ${owner.secret}`]],
  ["a stranger", () => []],
]) {
  test(`${who} meets no answer that the document does not have`, async (t) => {
    assert.ok(existsSync(PROGRAM), "schemathesis is installed by `cargo xtask setup --python`");
    assert.ok(existsSync(DOCUMENT), "dist/www is built by `cargo xtask build www`");
    const product = await launch(t, setting);
    const owner = await product.setup({ profile: await profile() });
    const { code, output, generated } = await run(t, product.url(), headers(owner));
    assert.equal(code, 0, output);
    assert.ok(generated > 1_000, `only ${generated} requests were made`);
  });
}

test("clients of other systems meet no answer that the document does not have", async (t) => {
  for (const [system, paths] of [
    ["devguard", "^/api/v1/"],
    ["harborguard", "^/api/(personal-access-tokens|api-keys)"],
    ["semgrep", "^/api/agent/"],
    ["devtron", "^/orchestrator/"],
  ]) {
    await t.test(system, async (t) => {
      const product = await launch(t, setting);
      const owner = await product.setup({ profile: await profile(system) });
      for (const headers of [[`Authorization: Bearer ${owner.secret}`], []]) {
        const { code, output, generated } = await run(t, product.url(), headers, ["--include-path-regex", paths]);
        assert.equal(code, 0, output);
        assert.ok(generated > 30, `only ${generated} requests were made`);
      }
    });
  }
});

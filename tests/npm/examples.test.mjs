// The examples of docs/npm.md, taken out of it and run as they stand. (Browsers and Workers: consumers, tests/browser.)

import { equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, project, run, symbolon, tarball } from "./lib.mjs";

/** The example of this name. */
function example(name) {
  const text = readFileSync(join(ROOT, "docs/npm.md"), "utf8");
  const found = new RegExp(`^\`\`\`\\w+ ${name}\\n(.*?)^\`\`\``, "ms").exec(text);
  ok(found, `docs/npm.md has an example ${name}`);
  return found[1];
}

test("make a key, register it, call the API", async (t) => {
  const { url, secret } = await symbolon(t);
  const head = `const [url, token] = process.argv.slice(2);\n`;
  const [imports, rest] = [example("register").split("\n")[0], example("register").split("\n").slice(1).join("\n")];
  const folder = await project(t, { "example.mjs": `${imports}\n${head}${rest}\nconsole.log((await response.json()).token.name);` });
  equal((await run("node", ["example.mjs", url, secret], { cwd: folder })).trim(), "my laptop");
});

test("guard a server", async (t) => {
  const folder = await project(t, {
    "server.mjs": `import { generateKeyPair, thumbprint } from "symbolon"; export const pair = await generateKeyPair(); const keys = { [await thumbprint(pair)]: pair.publicKey };\n${example("guard")}`,
    "client.mjs": `import { signedFetch } from "symbolon"; import server, { pair } from "./server.mjs";
      const call = signedFetch(pair, { fetch: server.fetch });
      console.log((await call("https://api.example.com/x")).status, (await server.fetch(new Request("https://api.example.com/x"))).status);`,
  });
  equal((await run("node", ["client.mjs"], { cwd: folder })).trim(), "200 401");
});

test("the step of a pipeline signs a request, and fails where the key is not known", async (t) => {
  const { url, secret } = await symbolon(t);
  const folder = await project(t, {});
  const step = example("github-actions");
  match(step, /SYMBOLON_KEY: \$\{\{ secrets\.SYMBOLON_KEY \}\}/);
  // Installed from the tarball, since nothing is published; all else is the step's own shell.
  const shell = step.slice(step.indexOf("run: |") + 6).replace(/^ {4}/gm, "").replace("--no-save symbolon", `--no-save --offline ${await tarball()}`);
  const register = `
    import { exportKey, generateKeyPair, signChallenge } from "symbolon";
    const [url, secret] = process.argv.slice(-2);
    const post = async (path, body) => (await fetch(url + path, { method: "POST", headers: { "content-type": "application/json", authorization: "Bearer " + secret }, body: JSON.stringify(body) })).json();
    const pair = await generateKeyPair({ extractable: true });
    const { challenge } = await post("/v1/keys/challenge", {});
    await post("/v1/tokens", { kind: "key", name: "pipeline", permissions: ["api:read"], public_key: await exportKey(pair.publicKey, "hex"), proof: await signChallenge(pair, challenge) });
    console.log(await exportKey(pair, "hex"));`;
  const key = (await run("node", ["--input-type=module", "--eval", register, "--", url, secret], { cwd: folder })).trim();
  match(key, /^[0-9a-f]{64}$/);
  // GitHub runs the shell of a step with these options.
  const step_ = (given) => run("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", shell], { cwd: folder, env: { SYMBOLON_URL: url, SYMBOLON_KEY: given } });
  match(await step_(key), /^pipeline$/m);
  const unknown = "1".repeat(64);
  const failed = await step_(unknown).then(() => "", (error) => error.message);
  match(failed, /401/);
  ok(!failed.includes(unknown), "the key is not in what the pipeline prints");
});

// The development server: `cargo xtask dev` starts it and tells it on the first line of standard input what to serve.
// It says so on standard output once /healthz answers, and ends when standard input does, however xtask ended.
import { createInterface } from "node:readline";
import { start, worker } from "./instance.mjs";

const input = createInterface({ input: process.stdin });
const settings = await new Promise((resolve, reject) => {
  input.once("line", (line) => resolve(JSON.parse(line)));
  input.once("close", () => reject(new Error("no settings on standard input")));
});

let instance;
let ending = false;
async function end(code) {
  if (ending) return;
  ending = true;
  await instance?.dispose().catch(() => {});
  process.exit(code);
}
input.once("close", () => end(0));
// A terminal's Ctrl-C reaches xtask, which closes standard input; these are for a signal sent here alone.
process.once("SIGINT", () => end(0));
process.once("SIGTERM", () => end(0));

try {
  const { folder, assets, bindings, data, port } = settings;
  instance = await start({ data, workers: [worker({ folder, assets, bindings, port })] });
  const url = await instance.unsafeGetDirectURL("symbolon");
  // By the name that people use: an address given as a gateway host serves no path of the product.
  const health = await fetch(`http://localhost:${new URL(url).port}/healthz`);
  if (health.status !== 200) throw new Error(`GET /healthz answered ${health.status}: ${await health.text()}`);
  await health.arrayBuffer();
  console.log("ready");
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  await end(1);
}

// `nodeGuard` in front of a server of `node:http`, wherever there is one: run by Deno and Bun. (Node: middleware.test.mjs.)

import { createServer } from "node:http";

import { LIB } from "./package.mjs";

const { generateKeyPair, nativePolicy, signedFetch, thumbprint } = await import(new URL("index.js", LIB).href);
const { againstKeys, memoryOfReplays, nodeGuard } = await import(new URL("middleware.js", LIB).href);

const pair = await generateKeyPair();
const policy = nativePolicy({ maxAgeSeconds: 60, maxLifetimeSeconds: 60, maxAheadSeconds: 5 });
const keys = { [await thumbprint(pair)]: pair.publicKey };
let origin = "";
const middleware = nodeGuard(againstKeys({ keys, policy, replays: memoryOfReplays() }), { origin: () => origin });
const server = createServer((request, response) =>
  middleware(request, response, () => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => response.end(JSON.stringify([request.symbolon.via, new TextDecoder().decode(request.rawBody), chunks.map(String).join("")])));
  }),
);
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
origin = `http://127.0.0.1:${server.address().port}`;
const call = signedFetch(pair);
const outcome = [];
for (const send of [() => call(`${origin}/a`, { method: "POST", body: "a body" }), () => fetch(`${origin}/a`, { method: "POST", body: "a body" })]) {
  const answer = await send();
  outcome.push(answer.status === 200 ? await answer.json() : answer.status);
}
console.log(JSON.stringify(outcome));
server.closeAllConnections?.();
server.close();

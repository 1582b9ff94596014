// Continuous load on several edges, in a process of its own: nothing that keeps the test busy keeps this from asking.
// Every request is recorded with when it was sent and when its answer had come, in nanoseconds of the machine's
// monotonic clock, which the test reads as well.
//
// It sends each credential of the pool to each edge in turn, in an order that is shuffled for each pass. Messages from
// the test:
// - {credentials: [{path, host, headers}, …]}: further credentials, numbered on from the last;
// - {pool: [number, …]}: what is to be sent from now on;
// - {everywhere: "accepted" | "refused", id, of: [number, …]}: answered with {id} once each of them was sent to
//   each edge after this message had come, and answered so;
// - {end: file}: the records go to this file, five numbers of eight bytes each: credential, edge, sent, answered, status
//   (0: none came).
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { argv } from "node:process";

/** How many requests are under way at a time. */
const LOOPS = 24;
const FIELDS = 5;

const edges = JSON.parse(argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: LOOPS });
const credentials = [];
let pool = [];
let order = [];
let records = new Float64Array(FIELDS * 65_536);
let count = 0;
let waiting = [];
let ending = false;
/** Loops that wait for a pool. */
const idle = [];

/** Nanoseconds; exact in a double for the first hundred days after the machine was started. */
function clock() {
  return Number(process.hrtime.bigint());
}

function ask({ path, host, headers }, port) {
  return new Promise((resolve) => {
    const outgoing = request({ host: "127.0.0.1", port, path, agent, headers: { host, ...headers } }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", () => resolve(0));
    });
    outgoing.on("error", () => resolve(0));
    outgoing.end();
  });
}

function record(...fields) {
  if ((count + 1) * FIELDS > records.length) {
    const larger = new Float64Array(records.length * 2);
    larger.set(records);
    records = larger;
  }
  records.set(fields, count * FIELDS);
  count += 1;
}

function shuffled() {
  const pairs = pool.flatMap((credential) => edges.map((_, edge) => [credential, edge]));
  for (let index = pairs.length - 1; index > 0; index -= 1) {
    const other = Math.floor(Math.random() * (index + 1));
    [pairs[index], pairs[other]] = [pairs[other], pairs[index]];
  }
  return pairs;
}

function outcome(status) {
  if (status === 200) return "accepted";
  return status === 401 || status === 403 ? "refused" : "none";
}

function note(credential, edge, sent, status) {
  for (const one of waiting) {
    if (sent > one.since && one.wanted === outcome(status)) one.open.delete(credential * edges.length + edge);
  }
  for (const { id } of waiting.filter(({ open }) => open.size === 0)) process.send({ id });
  waiting = waiting.filter(({ open }) => open.size > 0);
}

async function loop() {
  while (!ending) {
    if (order.length === 0) order = shuffled();
    const next = order.pop();
    if (next === undefined) {
      // There is nothing to be sent until a message says so.
      await new Promise((resolve) => idle.push(resolve));
      continue;
    }
    const [credential, edge] = next;
    const sent = clock();
    const status = await ask(credentials[credential], edges[edge]);
    const answered = clock();
    record(credential, edge, sent, answered, status);
    note(credential, edge, sent, status);
    // While workerd is down there is nothing to be learnt from asking faster.
    if (status === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const loops = Array.from({ length: LOOPS }, loop);

function wake() {
  for (const resolve of idle.splice(0)) resolve();
}

process.on("message", async (message) => {
  if (message.credentials !== undefined) credentials.push(...message.credentials);
  if (message.pool !== undefined) {
    pool = message.pool;
    order = [];
    wake();
  }
  if (message.everywhere !== undefined) {
    const open = new Set(message.of.flatMap((credential) => edges.map((_, edge) => credential * edges.length + edge)));
    waiting.push({ id: message.id, wanted: message.everywhere, since: clock(), open });
  }
  if (message.end !== undefined) {
    ending = true;
    wake();
    await Promise.all(loops);
    writeFileSync(message.end, Buffer.from(records.buffer, 0, count * FIELDS * 8));
    process.disconnect();
    agent.destroy();
  }
});
process.on("disconnect", () => {
  ending = true;
  wake();
});

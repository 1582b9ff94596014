// Drives the gate: a request in, its effects carried out, its outcome sent, as `symbolon_gate::effect` asks of a host.
//
// All requests of an isolate share one WebAssembly instance, and no promise. When it traps, the request that was in it
// is answered with 500 and the instance is thrown away; the requests beside it find that out as soon as what they wait
// for has come, and begin anew in a fresh instance, unless they had already asked for something to be done.

import { digest, readBody, toText } from "./body.js";
import { now } from "./clock.js";
import { fetchText } from "./fetch.js";
import { Trapped, current, guarded } from "./instance.js";
import { fromBase64, verify, verifyRs256 } from "./keys.js";
import { fault } from "./log.js";
import { ask, within } from "./objects.js";
import { forward } from "./origin.js";
import { page, pairs, problem, respond, respondFlat, respondToProxy } from "./reply.js";
import { flat, hasBody, wanted } from "./request.js";
import * as testHooks from "./test-hooks.js";
import { CHECK, check, checking, isStep, tell } from "./told.js";

/** How often a request is begun, when others trap beside it. */
const MAX_ATTEMPTS = 3;
/** How long a read of the directory may take, in milliseconds; the authority is asked then. */
const KV_TIMEOUT_MILLIS = 2_000;
/** How long an edge keeps its copy of the directory, in seconds: the least that Workers KV has. */
const KV_CACHE_SECONDS = 30;

/**
 * @typedef {import("./instance.js").Running} Running
 * @typedef {import("./told.js").Effect} Effect
 * @typedef {import("./told.js").Outcome} Outcome
 * @typedef {import("./told.js").Step} Step
 * @typedef {import("./told.js").Told} Told
 */

/**
 * Answers a request: at once, where nothing outside has to be asked.
 * @param {Request} request
 * @param {Env} env
 * @param {ExecutionContext} ctx
 * @returns {Response | Promise<Response>}
 */
export function serve(request, env, ctx) {
  if (TEST_HOOKS) return serveInTests(request, env, ctx);
  return new Work(request, env, ctx).answer(Date.now());
}

/**
 * @param {Request} request
 * @param {Env} env
 * @param {ExecutionContext} ctx
 * @returns {Promise<Response>}
 */
async function serveInTests(request, env, ctx) {
  try {
    const answered = await testHooks.inGate(request, env, (enter) => guarded(current(env), enter));
    if (answered !== undefined) return answered;
  } catch {
    return problem("internal", request.method);
  }
  return new Work(request, env, ctx).answer(await now(env));
}

/** One request. */
class Work {
  /** Whether it was this request that trapped. */
  trapped = false;
  /** Whether nothing was asked for yet that must not be asked for twice. */
  safe = true;

  #request;
  #env;
  #ctx;
  #attempts = 0;
  /** The body, once it was begun to be read. @type {Promise<Uint8Array | null> | undefined} */
  #body;

  /**
   * @param {Request} request
   * @param {Env} env
   * @param {ExecutionContext} ctx
   */
  constructor(request, env, ctx) {
    this.#request = request;
    this.#env = env;
    this.#ctx = ctx;
    // Should a body come although none was said, nobody reads it and none of it is passed on.
    if (request.body !== null && !hasBody(request)) this.#body = Promise.resolve(new Uint8Array(0));
  }

  /**
   * @param {number} millis the time
   * @returns {Response | Promise<Response>}
   */
  answer(millis) {
    this.#attempts += 1;
    try {
      const instance = current(this.#env);
      const told = this.#enter(instance, (gate) => {
        const request = this.#request;
        const names = wanted(instance, request.url);
        const told = tell(gate, gate.start(millis, flat(request, this.#env, names), names === undefined));
        return told === "*" ? tell(gate, gate.start(millis, flat(request, this.#env, undefined), true)) : told;
      });
      return this.#goOnWith(instance, told);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /**
   * @param {Running} instance
   * @param {Told} told what the gate told of this request
   * @returns {Response | Promise<Response>}
   */
  #goOnWith(instance, told) {
    // Answers without a body are nobody's in particular: one may be given many times.
    if (typeof told === "number") return instance.ready[told];
    if (told.startsWith(CHECK)) return this.#check(instance, told);
    return isStep(told) ? this.#goOn(instance, JSON.parse(told)) : this.#sendFlat(instance, told);
  }

  /**
   * Checks the signature that the request waits for, and for nothing else.
   * @param {Running} instance
   * @param {string} told
   * @returns {Promise<Response>}
   */
  async #check(instance, told) {
    /** @type {boolean | undefined} */
    let matches;
    const { task, effect, publicKey, message, signature } = check(told);
    try {
      matches = await verify(publicKey, message, signature);
    } catch (error) {
      fault("gate", "effect verify_p256 failed", error);
    }
    try {
      const millis = TEST_HOOKS ? await now(this.#env) : Date.now();
      const next = this.#enter(instance, (gate) =>
        tell(
          gate,
          matches === undefined
            ? gate.answer(millis, task, effect, JSON.stringify({ answer: "failed" }))
            : gate.verdict(millis, task, effect, matches),
        ),
      );
      return await this.#goOnWith(instance, next);
    } catch (error) {
      return this.#again(error);
    }
  }

  /**
   * What becomes of a request when something failed: it is begun anew where another trapped beside it.
   * @param {unknown} error
   */
  async #again(error) {
    const again = error instanceof Trapped && !this.trapped && this.safe && this.#attempts < MAX_ATTEMPTS;
    return again ? this.answer(await now(this.#env)) : this.#failed(error);
  }

  /**
   * @param {Running} instance
   * @param {Step} first
   * @returns {Promise<Response>}
   */
  async #goOn(instance, first) {
    try {
      const last = await this.#follow(instance, first);
      if (typeof last !== "object") return await this.#goOnWith(instance, last);
      if (last.background !== undefined) this.#ctx.waitUntil(this.#inBackground(instance, last.background));
      return await this.#send(/** @type {Outcome} */ (last.outcome));
    } catch (error) {
      return this.#again(error);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    if (!(error instanceof Trapped)) fault("gate", "host failed", error);
    return problem("internal", this.#request.method);
  }

  /**
   * What is due besides requests. What fails is offered again later.
   * @param {Running} instance
   * @param {Step} first
   */
  async #inBackground(instance, first) {
    /** @type {Step | undefined} */
    let step = first;
    try {
      while (step !== undefined) step = /** @type {Step} */ (await this.#follow(instance, step)).background;
    } catch (error) {
      if (!(error instanceof Trapped)) fault("gate", "background work failed", error);
    }
  }

  /**
   * Carries out what a task waits for until it has ended.
   * @param {Running} instance
   * @param {Step} first
   * @returns {Promise<Step | Told>} its last step; what was told of the outcome where that is no step
   */
  async #follow(instance, first) {
    let step = first;
    const { task } = first;
    /** Effects under way. @type {Map<number, Promise<[number, object]>>} */
    const underWay = new Map();
    try {
      while (step.ended !== true) {
        const wait = step.wait ?? [];
        let id, answer;
        if (wait.length === 1 && underWay.size === 0) {
          id = wait[0][0];
          answer = await this.#perform(wait[0][1]);
        } else {
          for (const [id, effect] of wait) underWay.set(id, this.#perform(effect).then((answer) => [id, answer]));
          if (underWay.size === 0) throw new Error("the gate waits for nothing");
          [id, answer] = await Promise.race(underWay.values());
          underWay.delete(id);
        }
        const millis = TEST_HOOKS ? await now(this.#env) : Date.now();
        const told = this.#enter(instance, (gate) => tell(gate, gate.answer(millis, task, id, JSON.stringify(answer))));
        if (typeof told === "number") return told;
        if (told.startsWith(CHECK)) step = checking(told);
        else if (isStep(told)) step = JSON.parse(told);
        else return told;
      }
      return step;
    } catch (error) {
      if (!instance.broken) guarded(instance, (gate) => gate.forget(task));
      throw error;
    }
  }

  /**
   * @param {Running} instance
   * @param {(gate: any) => Told} enter
   * @returns {Told}
   */
  #enter(instance, enter) {
    const wasBroken = instance.broken;
    try {
      return guarded(instance, enter);
    } catch (error) {
      this.trapped = !wasBroken;
      throw error;
    }
  }

  /**
   * @param {Effect} effect
   * @returns {Promise<object>} the answer that the effect's description names; never rejected
   */
  async #perform(effect) {
    try {
      switch (effect.effect) {
        case "ask":
          if (!effect.safe) this.safe = false;
          return { answer: "text", text: await ask(this.#env, effect.class, effect.object, effect.message, effect.timeout_millis) };
        case "directory": {
          const reading = this.#env.DIRECTORY.get(effect.key, { type: "text", cacheTtl: KV_CACHE_SECONDS });
          const text = await within(KV_TIMEOUT_MILLIS, reading);
          return text === null ? { answer: "absent" } : { answer: "text", text };
        }
        case "verify_p256": {
          const matches = await verify(effect.public_key, fromBase64(effect.message), fromBase64(effect.signature));
          return { answer: "verdict", matches };
        }
        case "verify_rs256": {
          const { modulus, exponent, message, signature } = effect;
          return { answer: "verdict", matches: await verifyRs256(modulus, exponent, fromBase64(message), fromBase64(signature)) };
        }
        case "fetch":
          // A code is good once.
          if (effect.method !== "GET") this.safe = false;
          return await fetchText(effect);
        case "body_digests": {
          const body = await this.#read(effect.limit);
          if (body === null) return { answer: "too_large" };
          const [sha256, sha512] = await Promise.all([
            effect.sha256 ? digest("SHA-256", body) : undefined,
            effect.sha512 ? digest("SHA-512", body) : undefined,
          ]);
          return { answer: "digests", sha256, sha512 };
        }
        case "body_text": {
          const body = await this.#read(effect.limit);
          if (body === null) return { answer: "too_large" };
          const text = toText(body);
          return text === undefined ? { answer: "not_text" } : { answer: "text", text };
        }
        case "sleep":
          await new Promise((resolve) => setTimeout(resolve, effect.millis));
          return { answer: "absent" };
      }
    } catch (error) {
      fault("gate", `effect ${effect.effect} failed`, error);
      return { answer: "failed" };
    }
  }

  /** @param {number} limit */
  async #read(limit) {
    this.#body ??= readBody(this.#request, limit);
    const body = await this.#body;
    return body !== null && body.byteLength > limit ? null : body;
  }

  /**
   * @param {Running} instance
   * @param {string} told an outcome in plain lines
   * @returns {Response | Promise<Response>}
   */
  #sendFlat({ ready }, told) {
    if (told.startsWith("=")) {
      const end = told.indexOf("\n");
      return (ready[Number(told.slice(1, end))] = respondToProxy(told.slice(end + 1)));
    }
    if (!told.startsWith("forward\n")) return respondFlat(told, this.#request.method);
    const lines = told.split("\n");
    const set = 2 + Number(lines[1]);
    return this.#forward({ remove: lines.slice(2, set), set: pairs(lines.slice(set)) });
  }

  /** @param {{ remove: string[], set: [string, string][] }} changes */
  async #forward(changes) {
    try {
      const body = await this.#body;
      // The gate lets nothing through whose body it found too large.
      if (body === null) throw new Error("a body that is too large is to be forwarded");
      return await forward(this.#request, body, changes, this.#env);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /**
   * @param {Outcome} outcome
   * @returns {Promise<Response>}
   */
  async #send(outcome) {
    const { method } = this.#request;
    switch (outcome.outcome) {
      case "respond":
        return respond(outcome, method);
      case "forward":
        return this.#forward(outcome);
      case "asset": {
        // Every address of the console is the same page; assets serve index.html under the root alone.
        const asked = outcome.console ? new Request(new URL("/", this.#request.url), { method }) : this.#request;
        const asset = await this.#env.ASSETS?.fetch(asked);
        return asset === undefined || asset.status === 404 ? respond(outcome.missing, method) : page(asset, new URL(asked.url).pathname);
      }
    }
  }
}

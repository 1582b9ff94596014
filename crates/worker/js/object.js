// Drives the authority of one Durable Object: events in, effects out, as `symbolon_authority::machine` asks of a host.
//
// Every object has a WebAssembly instance of its own. When it traps, the calls that wait are rejected and the object is
// reset: what was committed stays, what was not is taken back, and the next call finds a fresh object.

import { DurableObject } from "cloudflare:workers";
import { instantiate } from "symbolon-wasm";

import { now } from "./clock.js";
import { fault } from "./log.js";
import { ask, within } from "./objects.js";
import { Host } from "./storage.js";
import * as testHooks from "./test-hooks.js";

/** How long a write to the directory may take, in milliseconds. */
const KV_TIMEOUT_MILLIS = 10_000;

/**
 * @typedef {{ effect: "reply", id: number, json: string }
 *   | { effect: "fail", id: number, fault: string }
 *   | { effect: "ask", id: number, class: string, object: string, json: string, timeout_millis: number }
 *   | { effect: "kv_put", key: string, value: string | null, version: number }
 *   | { effect: "set_alarm", at_millis: number }
 *   | { effect: "sync", id: number }
 *   | { effect: "timer", id: number, millis: number }} Effect
 */

/** A Durable Object class around the machine of this name. */
export class AuthorityObject extends DurableObject {
  /** @type {"organization" | "instance" | "locator" | "replay" | "login"} */
  #name;
  #exports;
  #authority;
  #calls = 0;
  /** How many effects are being carried out; counted in test builds alone. */
  #underWay = 0;
  /** Calls that wait for their reply. @type {Map<number, { resolve(json: string): void, reject(error: Error): void }>} */
  #waiting = new Map();

  /**
   * @param {"organization" | "instance" | "locator" | "replay" | "login"} name
   * @param {DurableObjectState} ctx
   * @param {Env} env
   */
  constructor(name, ctx, env) {
    super(ctx, env);
    this.#name = name;
    this.#exports = instantiate();
    this.#authority = new this.#exports.Authority(name, new Host(ctx.storage), env.INSTANCE_SECRET, env.SETUP_CODE);
  }

  /**
   * A call of another object or of the gate: a message of `symbolon::protocol`.
   * @param {string} json
   * @returns {Promise<string>} the answer; rejected, in few words, where it failed
   */
  async ask(json) {
    const millis = await now(this.env);
    if (TEST_HOOKS && testHooks.isForObject(json)) {
      if (testHooks.isUnderWay(json)) return String(this.#underWay);
      if (testHooks.isAlarm(json)) return this.alarm().then(() => "done");
      return this.#guarded(() => testHooks.inObject(this.#exports, this.ctx.storage, json));
    }
    this.#calls += 1;
    const id = this.#calls;
    /** @type {Promise<string>} */
    const reply = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.ctx.waitUntil(this.#on(millis, (authority) => authority.call(millis, BigInt(id), json)));
    return reply;
  }

  /**
   * The runtime calls this when the alarm's time has come, and again if it throws; one that takes a quarter of an hour
   * is ended, tried again, and given up after some times. So it waits for what it alone is there for, and for nothing
   * that only timers and other objects end.
   */
  async alarm() {
    const millis = await now(this.env);
    await this.#on(millis, (authority) => authority.alarm(millis));
  }

  /**
   * Hands in an event and carries out what comes back. Each effect goes on by itself: one that waited for those that
   * come of its end would wait for ever, since a timer's end starts a timer as long as there is traffic.
   * @param {number} millis
   * @param {(authority: any) => string} event
   * @returns {Promise<unknown>} when the next alarm is set, and what had to wait for a fence was handed in; whatever else
   *   is lost with this object, an alarm finds
   */
  #on(millis, event) {
    /** @type {Effect[]} */
    const effects = JSON.parse(this.#guarded(() => event(this.#authority)));
    const first = [];
    for (const effect of effects) {
      const done = this.#carryOut(millis, effect);
      this.ctx.waitUntil(done);
      if (effect.effect === "set_alarm" || effect.effect === "sync") first.push(done);
    }
    return Promise.all(first);
  }

  /**
   * @param {number} millis
   * @param {Effect} effect
   */
  async #carryOut(millis, effect) {
    if (!TEST_HOOKS) return this.#perform(millis, effect);
    this.#underWay += 1;
    try {
      await this.#perform(millis, effect);
    } finally {
      this.#underWay -= 1;
    }
  }

  /**
   * @param {number} millis
   * @param {Effect} effect
   */
  async #perform(millis, effect) {
    switch (effect.effect) {
      case "reply":
        this.#take(effect.id)?.resolve(effect.json);
        break;
      case "fail":
        fault(this.#name, "call failed", effect.fault);
        this.#take(effect.id)?.reject(new Error("internal"));
        break;
      case "ask":
        await this.#ask(effect);
        break;
      case "kv_put":
        await this.#kvPut(effect);
        break;
      case "set_alarm":
        // By the real clock, which in a test build is not the one that the authority was told.
        await this.ctx.storage.setAlarm(Date.now() + Math.max(0, effect.at_millis - millis));
        break;
      case "sync":
        await this.#sync(effect.id);
        break;
      case "timer":
        await new Promise((resolve) => setTimeout(resolve, effect.millis));
        await this.#later((authority, at) => authority.timer(at, BigInt(effect.id)));
        break;
    }
  }

  /** @param {Extract<Effect, { effect: "ask" }>} effect */
  async #ask({ id, class: objectClass, object, json, timeout_millis: timeout }) {
    /** @type {string | undefined} */
    let answer;
    try {
      answer = await ask(/** @type {Env} */ (this.env), objectClass, object, json, timeout);
    } catch (error) {
      fault(this.#name, `cannot reach ${objectClass}`, error);
    }
    await this.#later((authority, at) => authority.answered(at, BigInt(id), answer));
  }

  /** @param {Extract<Effect, { effect: "kv_put" }>} effect */
  async #kvPut({ key, value, version }) {
    const { DIRECTORY } = /** @type {Env} */ (this.env);
    let ok = true;
    try {
      await within(KV_TIMEOUT_MILLIS, value === null ? DIRECTORY.delete(key) : DIRECTORY.put(key, value));
    } catch (error) {
      ok = false;
      fault(this.#name, "cannot write the directory", error);
    }
    await this.#later((authority, at) => authority.kv_put(at, key, BigInt(version), ok));
  }

  /** @param {number} id */
  async #sync(id) {
    try {
      await this.ctx.storage.sync();
    } catch (error) {
      throw this.#abort("cannot write", error);
    }
    await this.#later((authority, at) => authority.synced(at, BigInt(id)));
  }

  /** @param {(authority: any, millis: number) => string} event */
  async #later(event) {
    const millis = await now(this.env);
    await this.#on(millis, (authority) => event(authority, millis));
  }

  /** @param {number} id */
  #take(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /**
   * Runs WebAssembly. Whatever it throws is a trap, after which this instance must not be entered again.
   * @template T
   * @param {() => T} run
   * @returns {T}
   */
  #guarded(run) {
    try {
      return run();
    } catch (error) {
      throw this.#abort("trap", error);
    }
  }

  /**
   * Throws this object away. Its calls fail, and the next one finds a fresh object.
   * @param {string} event
   * @param {unknown} cause
   * @returns {Error} to be thrown
   */
  #abort(event, cause) {
    fault(this.#name, event, cause);
    for (const { reject } of this.#waiting.values()) reject(new Error("internal"));
    this.#waiting.clear();
    this.ctx.abort(event);
    return new Error("internal");
  }
}

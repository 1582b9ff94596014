// The Worker: requests go to the gate, and five classes of Durable Objects hold the truth.

import { serve } from "./gate.js";
import { AuthorityObject } from "./object.js";

/** One organisation: its members, tokens and activity log. Named by its short id. */
export class Organization extends AuthorityObject {
  /** @param {DurableObjectState} ctx @param {Env} env */
  constructor(ctx, env) {
    super("organization", ctx, env);
  }
}

/** The organisations by name, setup, and the route table. There is one. */
export class Instance extends AuthorityObject {
  /** @param {DurableObjectState} ctx @param {Env} env */
  constructor(ctx, env) {
    super("instance", ctx, env);
  }
}

/** Which organisation has a credential that does not say so itself. 256 of them. */
export class Locator extends AuthorityObject {
  /** @param {DurableObjectState} ctx @param {Env} env */
  constructor(ctx, env) {
    super("locator", ctx, env);
  }
}

/** Which signed requests were accepted. 256 of them. */
export class Replay extends AuthorityObject {
  /** @param {DurableObjectState} ctx @param {Env} env */
  constructor(ctx, env) {
    super("replay", ctx, env);
  }
}

/** Logins from a command line that nobody has collected yet. 256 of them. */
export class Login extends AuthorityObject {
  /** @param {DurableObjectState} ctx @param {Env} env */
  constructor(ctx, env) {
    super("login", ctx, env);
  }
}

export default {
  /**
   * @param {Request} request
   * @param {Env} env
   * @param {ExecutionContext} ctx
   */
  fetch: (request, env, ctx) => serve(request, env, ctx),
};

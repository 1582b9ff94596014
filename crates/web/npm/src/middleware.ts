/**
 * Verifying requests in a resource server, whatever its framework: by asking Symbolon, or offline against public keys.
 * @module
 */

export { type AskOptions, askSymbolon } from "./middleware/ask.js";
export { type Accepted, type Decision, type Identity, type Refused, type Verifier, refusal } from "./middleware/decision.js";
export { type GuardOptions, type HonoContext, type Origin, decide, guard, honoGuard, received } from "./middleware/guard.js";
export { type NodeMiddleware, type NodeRequest, type NodeResponse, nodeGuard } from "./middleware/node.js";
export { type KeysOptions, type ReplayMemory, againstKeys, memoryOfReplays } from "./middleware/offline.js";
export type { ReceivedRequest } from "./received.js";

import { type Code, KeyError, SignatureError, SymbolonError } from "../errors.js";

/** Starts something once, when it is first needed; a start that failed can be tried again. */
export function once<T>(start: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined;
  let finished: { readonly value: T } | undefined;
  return async () => {
    // In Workers a promise belongs to the request that began it: only what is finished is shared.
    if (finished !== undefined) return finished.value;
    const mine = shared() ? (begun ??= start()) : start();
    try {
      finished = { value: await mine };
      return finished.value;
    } catch (error) {
      begun = undefined;
      throw error;
    }
  };
}

const shared = (): boolean => globalThis.navigator?.userAgent !== "Cloudflare-Workers";

/** Runs a call into WebAssembly. What it throws has a stable code for its name; anything else is a fault of ours. */
export function called<T>(kind: "key" | "signature", call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && /^[a-z_]+$/.test(error.name)) {
      const Kind = kind === "key" ? KeyError : SignatureError;
      throw new Kind(error.name as Code, error.message);
    }
    throw new SymbolonError("internal", "the core stopped", { cause: error });
  }
}

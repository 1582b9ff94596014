// Asking Durable Objects: one method, JSON in and out.

/** @type {Record<string, "ORGANIZATION" | "INSTANCE" | "LOCATOR" | "REPLAY" | "LOGIN">} */
const BINDINGS = {
  organization: "ORGANIZATION",
  instance: "INSTANCE",
  locator: "LOCATOR",
  replay: "REPLAY",
  login: "LOGIN",
};

/**
 * Asks an object, and gives up when it takes too long.
 * @param {Env} env
 * @param {string} objectClass its class in lower case
 * @param {string} name
 * @param {string} json
 * @param {number} timeoutMillis
 * @returns {Promise<string>} rejected when it cannot be reached or fails
 */
export async function ask(env, objectClass, name, json, timeoutMillis) {
  // A stub of its own for every question: after an exception a stub may stay broken.
  const stub = env[BINDINGS[objectClass]].getByName(name);
  return within(timeoutMillis, stub.ask(json));
}

/**
 * @template T
 * @param {number} millis
 * @param {Promise<T>} promise
 * @returns {Promise<T>} rejected when it takes longer
 */
export async function within(millis, promise) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), millis);
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (timeout)]);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
  }
}

// Our own faults, one line of JSON each. Never a credential, a body or a URL: those may hold secrets.

/**
 * @param {"gate" | "organization" | "instance" | "locator" | "replay" | "login"} where
 * @param {string} event what happened: a short name
 * @param {unknown} [cause] an error, or a text
 */
export function fault(where, event, cause) {
  const detail = cause instanceof Error ? { error: cause.name, message: cause.message, stack: cause.stack } : { message: cause };
  console.error(JSON.stringify({ level: "error", where, event, ...detail }));
}

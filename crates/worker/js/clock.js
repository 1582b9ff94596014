// The clock. In production it stands still between I/O; it is read when an answer has arrived.

/**
 * Milliseconds since 1970.
 * @param {Env} env
 * @returns {number | Promise<number>} a promise in test builds alone, whose clock is a binding
 */
export function now(env) {
  if (TEST_HOOKS && env.TEST_CLOCK !== undefined) return testClock(env.TEST_CLOCK);
  return Date.now();
}

/** @param {Fetcher} binding */
async function testClock(binding) {
  const { offset = 0, at } = await (await binding.fetch("http://clock/")).json();
  return at ?? Date.now() + offset;
}

// The built package's entries, and the steps inside it that the vectors look at.

import { readVectors } from "./vectors.mjs";

export const LIB = new URL("../../dist/npm/lib/", import.meta.url);
/** The same for workerd. */
export const WORKERD = new URL("../../dist/npm/workerd/", import.meta.url);

export async function entries() {
  const of = (file) => import(new URL(file, LIB).href);
  const vectors = readVectors();
  if (vectors !== null) {
    vectors.steps = { prepare: (await of("base.js")).prepare, prepareInCore: (await of("wasm/rules.js")).prepareInCore };
  }
  return { full: await of("index.js"), light: await of("webcrypto.js"), software: await of("software.js"), api: await of("api.js"), middleware: await of("middleware.js"), vectors };
}

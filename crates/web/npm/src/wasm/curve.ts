import { compiled } from "./curve.module.js";
import * as glue from "./generated/curve.js";
import { once } from "./load.js";

/** P-256 and SHA-256 in WebAssembly, started when they are first needed. */
export const curve = once(async () => {
  glue.initSync({ module: await compiled() });
  return glue;
});

// The suite of every runtime, for hosts that run this file themselves (Deno and Bun). The last line is what it came to.

import { entries } from "./package.mjs";
import { run } from "./suite.mjs";

console.log(JSON.stringify(await run(await entries())));

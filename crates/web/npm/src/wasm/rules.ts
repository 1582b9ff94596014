import { compiled } from "./rules.module.js";
import { utf8 } from "../bytes.js";
import { type Parts, type Prepared, type Spec, fieldLines } from "../message.js";
import { initSync, prepare, Verification } from "./generated/rules.js";
import { called, once } from "./load.js";

/** The core's rules for signatures, started when they are first needed. Named one by one: the glue has more than that. */
export const rules = once(async () => {
  initSync({ module: await compiled() });
  return { prepare, Verification };
});

/** The first step of signing, in the core: every component of RFC 9421 that a request has. */
export async function prepareInCore({ method, url, headers }: Parts, spec: Spec): Promise<Prepared> {
  const core = await rules();
  const parameters = spec.parameters.map(([name, value]) => `${name}=${value}`);
  const lines = (pieces: readonly string[]): string => pieces.map((piece) => piece.replaceAll("\n", " ")).join("\n");
  const prepared = called("signature", () =>
    core.prepare(method, url, fieldLines(headers), spec.label, lines(spec.components), lines(parameters)),
  );
  const end = prepared.indexOf("\n");
  return { base: utf8(prepared.slice(end + 1)), signatureInput: prepared.slice(0, end), label: spec.label };
}

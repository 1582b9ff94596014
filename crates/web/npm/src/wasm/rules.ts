import { compiled } from "#rules";
import { type Bytes } from "../bytes.js";
import { type Parts, type Prepared, type Spec, fieldLines } from "../message.js";
import * as glue from "./generated/rules.js";
import { called, once } from "./load.js";

/** The core's rules for signatures, started when they are first needed. */
export const rules = once(async () => {
  glue.initSync({ module: await compiled() });
  return glue;
});

/** The first step of signing, in the core: every component of RFC 9421 that a request has. */
export async function prepareInCore({ method, url, headers }: Parts, spec: Spec): Promise<Prepared> {
  const core = await rules();
  const parameters = spec.parameters.map(([name, value]) => `${name}=${value}`);
  return called("signature", () => {
    const lines = (pieces: readonly string[]): string => pieces.map((piece) => piece.replaceAll("\n", " ")).join("\n");
    const prepared = core.prepare(method, url, fieldLines(headers), spec.label, lines(spec.components), lines(parameters));
    try {
      return { base: prepared.base() as Bytes, signatureInput: prepared.input(), label: spec.label };
    } finally {
      prepared.free();
    }
  });
}

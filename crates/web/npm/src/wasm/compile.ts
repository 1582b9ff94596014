import { fromBase64 } from "../bytes.js";
import { SymbolonError } from "../errors.js";

/** Compiles a module that the package carries as base64 of raw deflate, which no bundler has to know about. */
export async function compile(packed: string): Promise<WebAssembly.Module> {
  const bytes = fromBase64(packed);
  if (bytes === undefined) throw new SymbolonError("internal", "the package is damaged");
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  try {
    return await WebAssembly.compile(await new Response(inflated).arrayBuffer());
  } catch (cause) {
    throw new SymbolonError(
      "unsupported",
      "this host forbids WebAssembly: allow 'wasm-unsafe-eval' in script-src, or sign with symbolon/webcrypto and verify by asking Symbolon (symbolon/middleware)",
      { cause },
    );
  }
}

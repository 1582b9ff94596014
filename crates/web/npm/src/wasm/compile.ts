import type { Bytes } from "../bytes.js";
import { SymbolonError } from "../errors.js";

/** Compiles a module that the package carries as base64 of raw deflate, which no bundler has to know about. */
export async function compile(packed: string): Promise<WebAssembly.Module> {
  // In the package's own hands from the first to the last: none of a text's spellings has to be refused.
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  const module = await inflated(bytes);
  try {
    return await WebAssembly.compile(module);
  } catch (cause) {
    throw new SymbolonError(
      "unsupported",
      "this host forbids WebAssembly: allow 'wasm-unsafe-eval' in script-src, or sign with symbolon/webcrypto and verify by asking Symbolon (symbolon/middleware)",
      { cause },
    );
  }
}

/** What there is of Node's library, in Node, Deno and Bun. */
interface Builtin {
  readonly process?: { getBuiltinModule?(name: "node:zlib"): { inflateRawSync(bytes: Bytes): Bytes } | undefined };
}

/** Where a program starts anew for each task, the first use counts: streams take Node ten times as long as its own zlib. */
async function inflated(bytes: Bytes): Promise<BufferSource> {
  const zlib = (globalThis as Builtin).process?.getBuiltinModule?.("node:zlib");
  if (zlib !== undefined) return zlib.inflateRawSync(bytes);
  return await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer();
}

/** The compiled module: xtask writes what is behind this, once for workerd and once for all others. */
export function compiled(): Promise<WebAssembly.Module>;

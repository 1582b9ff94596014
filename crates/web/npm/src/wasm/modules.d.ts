declare module "#rules" {
  /** The compiled module. */
  export function compiled(): Promise<WebAssembly.Module>;
}

declare module "#curve" {
  /** The compiled module. */
  export function compiled(): Promise<WebAssembly.Module>;
}

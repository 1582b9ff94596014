import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

// The build that the Worker serves: every file but the page itself has its hash in its name, and nothing is inlined,
// since the policy that is served with the page lets no inline script or style run.
export default defineConfig({
  // The npm package, from its source: the tier that is WebCrypto alone.
  resolve: { alias: { "symbolon/webcrypto": fileURLToPath(new URL("../crates/web/npm/src/webcrypto.ts", import.meta.url)) } },
  root: fileURLToPath(new URL(".", import.meta.url)),
  build: {
    outDir: "../dist/www",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});

// Builds the three pages into the Python package. Relative addresses, so that they also work behind a path prefix.
import { defineConfig, type Plugin } from "vitest/config";

/** Styles and markup live in template literals, which no minifier opens; they are half of the pages. */
const squeezeTemplates: Plugin = {
  name: "squeeze-templates",
  enforce: "pre",
  transform(code, id) {
    if (!/\/src\/.*\.ts$/.test(id)) return null;
    const squeeze = (_: string, style: string) =>
      `css\`${style
        .replace(/\/\*[^]*?\*\//g, "")
        .replace(/\s+/g, " ")
        .replace(/\s*([{};,])\s*/g, "$1")
        .replace(/: /g, ":")
        .replace(/;}/g, "}")
        .trim()}\``;
    // Indentation means nothing to the code around the markup either.
    return { code: code.replace(/\bcss`([^`$]*)`/g, squeeze).replace(/\n\s+/g, "\n"), map: null };
  },
};

/** One page a pass (`--mode agent` and so on): nobody opens two, and one file packs better than shared ones. */
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [squeezeTemplates],
  build: {
    outDir: "../rtig/gateway/web",
    emptyOutDir: mode === "agent",
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: `${mode}.html` },
  },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
}));

// Builds the pages into the Python package. Relative addresses, so that they also work behind a path prefix.
import { defineConfig, type Plugin } from "vitest/config";

const here = (path: string) => new URL(path, import.meta.url).pathname;

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

/** In another page it is the element's width that counts, not the window's; and what is mainly there is not ours. */
const asGuest: Plugin = {
  name: "as-guest",
  enforce: "pre",
  transform(code, id) {
    if (!/\/src\/.*\.ts$/.test(id)) return null;
    const narrowed = code.replace(/@media \((min|max)-width/g, "@container ($1-width");
    const main = /(<\/?|\("|\n\s*)main(?=[>" ]|$)/gm;
    return { code: narrowed.replace(main, "$1rtig-main"), map: null };
  },
};

/**
 * One page a pass (`--mode agent`, `--mode board`, `--mode latency`): nobody opens all, and one file packs better than
 * shared ones. `--mode rtig-sidebar` and `--mode rtig-board` make the modules for other people's pages.
 */
export default defineConfig(({ mode }) => {
  const embedded = mode.startsWith("rtig-");
  return {
    base: "./",
    define: { __EMBEDDED__: JSON.stringify(embedded) },
    plugins: embedded ? [asGuest, squeezeTemplates] : [squeezeTemplates],
    resolve: {
      alias: embedded ? [{ find: /^lit\/decorators\.js$/, replacement: here("src/embed/decorators.ts") }] : [],
    },
    build: {
      outDir: "../rtig/gateway/web",
      emptyOutDir: mode === "agent",
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: embedded
        ? {
            input: { [mode]: here(`src/embed/${mode}.ts`) },
            output: { entryFileNames: "embed/[name].js" },
            preserveEntrySignatures: "exports-only",
          }
        : { input: `${mode}.html` },
    },
    test: { include: ["test/**/*.test.ts"], environment: "node" },
  };
});

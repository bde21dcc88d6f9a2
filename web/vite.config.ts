// Builds the pages into the Python package. Relative addresses, so that they also work behind a path prefix.
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
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

/** Without its script a page is empty: to paint that first would only keep the script waiting. */
const paintWithScript: Plugin = {
  name: "paint-with-script",
  transformIndexHtml: {
    order: "post",
    handler: (html) => html.replace('<script type="module"', '$& blocking="render"'),
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

/** What the server sends, so that it packs nothing itself. */
const packed: Plugin = {
  name: "packed",
  writeBundle({ dir }, bundle) {
    for (const name of Object.keys(bundle)) {
      const file = `${dir}/${name}`;
      const plain = readFileSync(file);
      writeFileSync(`${file}.br`, brotliCompressSync(plain));
      writeFileSync(`${file}.gz`, gzipSync(plain, { level: 9 }));
    }
  },
};

function parts(mode: string) {
  switch (mode) {
    case "extension":
      return {
        input: ["panel.html", "options.html", "background.ts"].map((name) => here(`../extension/${name}`)),
        output: { entryFileNames: "[name].js" },
      };
    case "client":
      return module({ index: here("src/client.ts") }, "[name].js");
    case "rtig-sidebar":
    case "rtig-board":
      return module({ [mode]: here(`src/embed/${mode}.ts`) }, "embed/[name].js");
    default:
      return { input: `${mode}.html` };
  }
}

function module(input: Record<string, string>, entryFileNames: string) {
  return { input, output: { entryFileNames }, preserveEntrySignatures: "exports-only" as const };
}

/**
 * One page a pass (`--mode agent`, `--mode board`, `--mode latency`): nobody opens all, and one file packs better than
 * shared ones. `--mode rtig-sidebar` and `--mode rtig-board` make the modules for other people's pages, `--mode
 * extension` the browser extension, `--mode client` the package of `client/`.
 */
export default defineConfig(({ mode }) => {
  const extension = mode === "extension";
  const client = mode === "client";
  const embedded = extension || mode.startsWith("rtig-");
  return {
    root: here(extension ? "../extension" : "."),
    base: "./",
    define: { __EMBEDDED__: JSON.stringify(embedded) },
    plugins: [embedded ? asGuest : paintWithScript, squeezeTemplates, !extension && !client && packed],
    resolve: {
      alias: embedded ? [{ find: /^lit\/decorators\.js$/, replacement: here("src/embed/decorators.ts") }] : [],
    },
    build: {
      outDir: here(extension ? "../extension/dist" : client ? "client/dist" : "../rtig/gateway/web"),
      emptyOutDir: extension || client || mode === "agent",
      minify: !client,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: parts(mode),
    },
    test: { include: ["test/**/*.test.ts"], environment: "node" },
  };
});

// What the build uses of Node, whose own types are a hundred times as many.

declare module "node:fs" {
  export function readFileSync(path: string): Uint8Array;
  export function writeFileSync(path: string, content: Uint8Array): void;
}

declare module "node:zlib" {
  export function brotliCompressSync(content: Uint8Array): Uint8Array;
  export function gzipSync(content: Uint8Array, options: { level: number }): Uint8Array;
}

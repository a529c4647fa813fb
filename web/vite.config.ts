import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The server hands out the .gz twin of a file to browsers that accept it, so that the binary never compresses at run
// time. index.html is left alone: the server writes a fresh nonce into it for every request.
function gzipTwins(): Plugin {
  let outDir = "dist";
  return {
    name: "gzip-twins",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const raw = readFileSync(path);
        if (raw.length > 1024) writeFileSync(`${path}.gz`, gzipSync(raw, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), gzipTwins()],
  resolve: {
    // write-excel-file packs large workbooks in workers that it makes of blobs, which the page's policy forbids. It runs
    // in a worker of ours and packs there, without another.
    alias: [
      {
        find: "../zip/zipToArrayBuffer.js",
        replacement: fileURLToPath(new URL("src/pages/hunting/zip.ts", import.meta.url)),
      },
    ],
  },
  worker: { format: "es" },
  // public/.gitkeep is copied into dist, which keeps `go build` working in a tree whose portal was built and cleaned.
  build: {
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 600,
  },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ["/api", "/v1.0"].map((path) => [path, { target: process.env.TOCSIN_URL ?? "http://127.0.0.1:8080" }]),
    ),
  },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
} as import("vite").UserConfig & { test: { include: string[] } });

import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The repository carries the build, so its scripts and styles lie in it compressed. */
function compressed(): Plugin {
  let folder = "";
  return {
    name: "compressed",
    apply: "build",
    configResolved(config) {
      folder = path.resolve(config.root, config.build.outDir, "assets");
    },
    closeBundle() {
      for (const name of readdirSync(folder)) {
        if (!/\.(js|css)$/.test(name)) continue;
        const file = path.join(folder, name);
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
        unlinkSync(file);
      }
    },
  };
}

const server = process.env.OBSCURA_URL ?? "http://127.0.0.1:8188";
const routes = [
  "api", "ws", "prompt", "queue", "history", "interrupt", "object_info", "view", "upload", "userdata", "view_metadata", "system_stats",
];

export default defineConfig({
  plugins: [react(), compressed()],
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    // The server asks by content whether a file changed, so names need not.
    rollupOptions: {
      output: { entryFileNames: "assets/[name].js", chunkFileNames: "assets/[name].js", assetFileNames: "assets/[name][extname]" },
    },
  },
  server: {
    proxy: Object.fromEntries(routes.map((route) => [`/${route}`, { target: server, ws: route === "ws" || route === "api" }])),
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});

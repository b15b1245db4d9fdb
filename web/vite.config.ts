import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const SERVER = process.env['RUNLAKE_URL'] ?? 'http://127.0.0.1:4000';

/** The explorer. `npx vite web` serves it while it is worked on, in front of a server at RUNLAKE_URL. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // Everything comes from the server itself: nothing is inlined that its content security policy would refuse.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      onwarn(warning, warn) {
        // "use client" speaks to frameworks that render on servers.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  server: { proxy: { '/graphql': { target: SERVER, ws: true }, '/export': SERVER } },
});

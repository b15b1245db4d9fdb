import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { keepTemporaryFilesInMemory } from './test/support/memory-folder.ts';

keepTemporaryFilesInMemory();

/** One copy of graphql for every importer: vitest would otherwise load its ESM and CJS builds as two realms. */
const graphqlEntry = fileURLToPath(new URL('./node_modules/graphql/index.js', import.meta.url));

/**
 * Tests that keep every core busy with processes of their own: they run after the others. Not those of single faults, which wait for
 * leases and restarts most of the time.
 */
const heavy = ['test/faults/*-kill.test.ts', 'lake/log/processes.test.ts'];

export default defineConfig({
  resolve: { alias: [{ find: /^graphql$/, replacement: graphqlEntry }] },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'main',
          include: ['{src,lake,ingest,compute,graphql,bi,web,test,bench}/**/*.test.ts'],
          exclude: heavy,
          // Twice the cores: half of the time goes by in waiting for Python, PostgreSQL, the S3 server, leases.
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // Two, so that one works while the other waits for a lease or for the S3 server; three took half as long again.
        test: { name: 'heavy', include: heavy, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
    globalSetup: ['test/support/global-setup.ts'],
    // For machines that are slow, or busy with other things: only what hangs takes so long, and only what polls in vain.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Loading the same modules anew for each of 200 files took a third of the time; nothing here mocks any.
    isolate: false,
  },
});

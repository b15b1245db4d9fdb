import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { readRuns, temporaryTree } from '../../ingest/testing.ts';
import { mutate, seeded } from '../support/mutate.ts';
import { sharedDir } from '../support/shared.ts';

const formats = `${sharedDir}fixtures/hallulens/good/formats`;

function filesBelow(root: string): Record<string, Uint8Array> {
  return Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(formats, path), new Uint8Array(readFileSync(path))]),
  );
}

describe.skipIf(sharedDir === undefined)('damaged stores', () => {
  test.each(['lmdb_zstd', 'lmdb_second_half', 'json_npy_prompt', 'zarr_prealloc_multisample', 'icr_capture'])(
    '%s: issues, never an exception',
    async (name) => {
      const files = filesBelow(join(formats, name));
      const names = Object.keys(files).sort();
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...names), fc.integer(), async (file, seed) => {
          const tree = temporaryTree({ ...files, [file]: mutate(files[file]!, seeded(seed)) });
          try {
            for (const { sink, summary } of (await readRuns(HALLULENS, tree.path)).values()) {
              const errors = sink.issues.filter((issue) => issue.severity === 'error');
              expect(summary.accepted).toBe(errors.length === 0);
            }
          } finally {
            tree.remove();
          }
        }),
        { numRuns: 30 },
      );
    },
  );
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedQueue } from './embedded-queue.ts';
import { testJobQueue } from './queue.contract.ts';

testJobQueue('EmbeddedQueue', async () => {
  const path = mkdtempSync(join(tmpdir(), 'runlake-queue-'));
  return {
    open: async (options) => new EmbeddedQueue(join(path, 'queue'), options),
    remove: async () => rmSync(path, { recursive: true, force: true }),
  };
});

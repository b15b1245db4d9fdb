import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LocalStore } from '../../../lake/store/local-store.ts';
import { Checkpoints } from './checkpoints.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlake-checkpoints-'));
afterAll(() => rmSync(folder, { recursive: true }));

const base = { p: 0.25, logit: 1.5, logprob: -1.386, best: 7 };
const sweep = { base, patched: [{ ...base, p: 0.125 }] };

test('readings come back, and none of a file that is torn, altered or of something else', async () => {
  const store = new LocalStore(folder);
  const { signal } = new AbortController();
  const kept = new Checkpoints(store, '_resume/sweep', 'these settings', signal);
  expect(await kept.read(0)).toBeUndefined();
  await kept.write(0, sweep);
  expect(await kept.read(0)).toEqual(sweep);
  expect(await new Checkpoints(store, '_resume/sweep', 'others', signal).read(0)).toBeUndefined();

  const text = Buffer.from(await store.get('_resume/sweep/0.json')).toString();
  for (const damaged of [
    text.slice(0, -9),
    text.replace('0.125', '0.625'),
    text.replace(',[0.125', ',[1],[0.125'),
  ]) {
    expect(damaged).not.toBe(text);
    await store.put('_resume/sweep/0.json', Buffer.from(damaged));
    expect(await kept.read(0)).toBeUndefined();
  }
});

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { remedyOf } from './remedies.ts';

const sources = fileURLToPath(new URL('.', import.meta.url));

/** Codes of issues as the readers of artifacts write them. */
async function codes(): Promise<string[]> {
  const files = (await readdir(sources, { recursive: true })).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  const texts = await Promise.all(files.map((name) => readFile(join(sources, name), 'utf8')));
  return [
    ...new Set(
      texts.flatMap((text) => [...text.matchAll(/\bcode: '([A-Z0-9_]+)'/g)].map(([, code = '']) => code)),
    ),
  ].sort();
}

it('knows what to do about every issue', async () => {
  const all = await codes();
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter((code) => remedyOf(code) === undefined)).toEqual([]);
});

it('takes what is said of one code before what is said of many', () => {
  expect(remedyOf('STATUS_MISMATCH')).toContain('whether the run ended');
  expect(remedyOf('SEED_PATH_MISMATCH')).toContain('move the run');
  expect(remedyOf('ESS_MISMATCH')).toContain('contradict');
  expect(remedyOf('constructor')).toBeUndefined();
});

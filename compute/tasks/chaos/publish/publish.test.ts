import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalStore } from '../../../../lake/store/local-store.ts';
import { processIdentity } from '../../../../lake/store/process-identity.ts';
import { reproducibleGzip } from './gzip.ts';
import { isIndexPage, renderIndex } from './index-page.ts';
import { PublishedTree } from './published-tree.ts';
import { type DirectoryFiles, writeByMarker, writeByRename } from './write-directory.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'runlake-publish-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const NEW = { overwrite: false };
const OVER = { overwrite: true };

function filesOf(record: Readonly<Record<string, string>>): DirectoryFiles {
  return new Map(Object.entries(record).map(([name, text]) => [name, Buffer.from(text)]));
}

test('gzip depends on the content only', () => {
  const content = Buffer.from('TRUE\n'.repeat(1000));
  const member = reproducibleGzip(content);
  expect([...member.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  expect(gunzipSync(member)).toEqual(content);
});

for (const [name, strategy] of [
  ['by rename', () => writeByRename(root)],
  ['by marker', () => writeByMarker(new LocalStore(root), 'marker')],
] as const) {
  test(`a directory is written as a whole, and over another one only when it may ${name}`, async () => {
    const write = strategy();
    await write('run', filesOf({ marker: '1', old: 'x' }), NEW);
    await expect(write('run', filesOf({ marker: '2' }), NEW)).rejects.toThrow(
      'another process has just written',
    );
    expect(readFileSync(join(root, 'run/marker'), 'utf8')).toBe('1');
    await write('run', filesOf({ marker: '2', fresh: 'y' }), OVER);
    expect(readdirSync(join(root, 'run')).sort()).toEqual(['fresh', 'marker']);
    expect(readFileSync(join(root, 'run/marker'), 'utf8')).toBe('2');
  });
}

test('a directory that cannot be replaced is left as it was, and nothing stays beside it', async () => {
  await writeByRename(root)('run', filesOf({ marker: '1' }), NEW);
  await expect(writeByRename(root)('run', filesOf({ 'no/such/place': '2' }), OVER)).rejects.toThrow();
  expect(readdirSync(root)).toEqual(['run']);
  expect(readFileSync(join(root, 'run/marker'), 'utf8')).toBe('1');
});

test('what a killed publication left is swept away by the next one, what another machine left is not', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const [machine] = processIdentity().split('.');
  const left = (identity: string) => {
    const directory = join(root, '.runlake-tmp', `${identity}.0.x`, 'new');
    mkdirSync(directory, { recursive: true });
    return directory;
  };
  const [killed, foreign] = [left(`${machine}.${pid}`), left(`${'0'.repeat(12)}.1`)];
  await writeByRename(root)('run', filesOf({ marker: '1' }), NEW);
  expect([existsSync(killed), existsSync(foreign)]).toEqual([false, true]);
});

test('without rename the marker goes first and comes last', async () => {
  const store = new LocalStore(root);
  const calls: string[] = [];
  const watched = Object.assign(Object.create(store), {
    delete: async (keys: readonly string[]) => {
      calls.push(`delete ${keys.join(' ')}`);
      await store.delete(keys);
    },
    put: async (key: string, body: Uint8Array) => {
      calls.push(`put ${key}`);
      await store.put(key, body);
    },
    list: (options: object) => store.list(options),
  });
  await store.put('run/marker', Buffer.from('1'));
  await store.put('run/stale', Buffer.from('1'));
  await writeByMarker(watched, 'marker')('run', filesOf({ marker: '2', fresh: '2' }), OVER);
  expect(calls).toEqual(['delete run/marker', 'delete run/stale', 'put run/fresh', 'put run/marker']);
});

test('the index: sorted rows, escaped cells, dashes for what is not known, only runs with a manifest', async () => {
  const write = (path: string, value: unknown) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), typeof value === 'string' ? value : JSON.stringify(value));
  };
  const scores = { accuracy_valid: 0.5, balanced_accuracy: 0.25, mcc: -0.125 };
  write('b_run/run_manifest.json', {
    provider: 'x|y',
    total_items_evaluated: 40886,
    created_utc: '2026-02-20T10:00:00+00:00',
    metrics_summary: scores,
  });
  write('b_run/publish_receipt.json', { verdict: 'OFFICIAL' });
  write('a_run/run_manifest.json', { provider: 'ollama/a', metrics_summary: {} });
  write('a_run/metrics.json', scores);
  write('c_run/run_manifest.json', '{"provider": ');
  write('no_run/metrics.json', scores);
  const tree = await PublishedTree.open(root, process.env);
  const page = await renderIndex(tree);
  expect(isIndexPage(page)).toBe(true);
  expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual([
    '| `a_run` | ollama/a | — | 0.5000 | 0.2500 | -0.1250 | — | — |',
    '| `b_run` | x\\|y | 40,886 | 0.5000 | 0.2500 | -0.1250 | 2026-02-20 | OFFICIAL |',
    '| `c_run` | — | — | — | — | — | — | — |',
  ]);
  expect(page).toContain('3 runs: 1 OFFICIAL, 2 no recorded verdict.');
});

test('an index is written again when another process published meanwhile', async () => {
  const tree = await PublishedTree.open(root, process.env);
  const pages = ['one', 'one and two', 'one and two'];
  await tree.writeIndex(async () => pages.shift() ?? '');
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toBe('one and two');
  expect(readdirSync(root)).toEqual(['README.md']);
});

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { LocalStore } from '../../../../lake/store/local-store.ts';
import { temporaryTree } from '../../../testing.ts';
import { datasetFingerprint, legacyFingerprint } from '../policy/index.ts';
import { Projects } from './knowledge.ts';
import { TaggedCommits } from './tagged-commits.ts';

let tree: ReturnType<typeof temporaryTree> | undefined;
afterEach(() => tree?.remove());

const RUN = 'p/runs/label/r';
const SELECTOR = '{"files": ["data/b.jsonl", "data/a.jsonl"]}';
const DATA = { 'p/data/a.jsonl': '{"id":1}\n{"id":2}\n\n', 'p/data/b.jsonl': '{"id":3}' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const FILES = [
  { path: 'data/a.jsonl', count: 2, sha256: sha256(DATA['p/data/a.jsonl']) },
  { path: 'data/b.jsonl', count: 1, sha256: sha256(DATA['p/data/b.jsonl']) },
];

function freeze(changes: object = {}): string {
  return JSON.stringify({
    canonical_selector: 'data/canonical_v2_files.json',
    canonical_files: FILES,
    canonical_total_questions: 3,
    global_sha256: datasetFingerprint(FILES),
    ...changes,
  });
}

async function knowledge(files: Readonly<Record<string, string>>, commit: string | null = null, run = RUN) {
  tree = temporaryTree(files);
  const source = { store: new LocalStore('/'), prefix: tree.path.slice(1) };
  const known = await Projects.of(source).knowledge(`${source.prefix}/${run}`, commit);
  const { issues, ...rest } = known;
  return { ...rest, issues: issues.map(({ severity, code }) => `${severity} ${code}`) };
}

describe('the dataset of a project', () => {
  test('is known from the freeze manifest, and checked where its files are there', async () => {
    const known = {
      fingerprint: datasetFingerprint(FILES),
      legacyFingerprint: legacyFingerprint(FILES),
      totalItems: 3,
      commitTagged: undefined,
    };
    const manifest = { 'p/artifacts/freeze/v2_freeze_manifest.json': freeze() };
    expect(await knowledge(manifest)).toEqual({ ...known, issues: [] });
    tree?.remove();
    const all = { ...manifest, ...DATA, 'p/data/canonical_v2_files.json': SELECTOR };
    expect(await knowledge(all)).toEqual({ ...known, issues: [] });
    tree?.remove();
    expect(await knowledge({ ...all, 'p/data/b.jsonl': '{"id":4}' })).toEqual({
      ...known,
      issues: ['warning DATASET_NOT_AS_FROZEN'],
    });
  });

  test('is fingerprinted where nothing was frozen, or the freeze manifest is unreadable', async () => {
    const files = { ...DATA, 'p/data/canonical_v2_files.json': SELECTOR };
    const known = { fingerprint: datasetFingerprint(FILES), totalItems: 3 };
    expect(await knowledge(files)).toMatchObject({ ...known, issues: [] });
    tree?.remove();
    expect(
      await knowledge({ ...files, 'p/artifacts/freeze/v2_freeze_manifest.json': '{"global_sha256": 1}' }),
    ).toMatchObject({ ...known, issues: expect.arrayContaining(['warning MISSING_REQUIRED_FIELD']) });
  });

  test('is unknown without all of its files, without a selector, and beyond the project', async () => {
    const unknown = { fingerprint: undefined, totalItems: undefined };
    const trees: Record<string, string>[] = [
      {},
      { 'p/data/canonical_v2_files.json': SELECTOR, 'p/data/a.jsonl': '' },
      { 'p/data/canonical_v2_files.json': '{"files": ["../secret.jsonl"]}', 'secret.jsonl': '' },
      { 'p/data/canonical_v2_files.json': '{"files": "all"}', ...DATA },
    ];
    for (const files of trees) {
      expect(await knowledge(files)).toMatchObject(unknown);
      tree?.remove();
    }
  });

  test('is that of the nearest project above', async () => {
    const files = {
      'artifacts/freeze/v2_freeze_manifest.json': freeze({ canonical_total_questions: 100 }),
      'p/artifacts/freeze/v2_freeze_manifest.json': freeze(),
    };
    expect(await knowledge(files)).toMatchObject({ totalItems: 3 });
    tree?.remove();
    expect(await knowledge(files, null, 'q/published_results/runs/r')).toMatchObject({ totalItems: 100 });
  });
});

describe('tagged commits', () => {
  test('match as far as both are written out', () => {
    const commits = new TaggedCommits(['956ba40', '18daf63a000', 'short']);
    expect(
      ['956ba40', '956ba40ffff', '18daf63', '18daf63a0', '18daf63b', 'short', ''].map((c) => commits.has(c)),
    ).toEqual([true, true, true, true, false, false, false]);
  });

  test('are read from a file above the runs', async () => {
    const file = (text: string) => ({ 'git_reachable_from_tags.json': text });
    expect(await knowledge(file('{"v1": ["956ba40"]}'), '956ba40')).toMatchObject({ commitTagged: true });
    tree?.remove();
    expect(await knowledge(file('{"p": {"v1": ["956ba40"]}}'), '956ba41')).toMatchObject({
      commitTagged: false,
    });
    tree?.remove();
    expect(await knowledge(file('{"v1": "956ba40"}'), '956ba40')).toMatchObject({
      commitTagged: undefined,
      issues: ['warning WRONG_TYPE'],
    });
    tree?.remove();
    expect(await knowledge(file('{"v1": ["956ba40"]}'), null)).toMatchObject({ commitTagged: undefined });
  });

  test('are asked of a git repository around the runs', async () => {
    tree = temporaryTree({ [`${RUN}/metrics.json`]: '' });
    const { path } = tree;
    const git = (...args: string[]) => {
      const who = [
        '-c',
        'user.name=n',
        '-c',
        'user.email=e',
        '-c',
        'commit.gpgsign=false',
        '-c',
        'tag.gpgsign=false',
      ];
      return execFileSync('git', [...who, ...args], { cwd: `${path}/p`, encoding: 'utf8' }).trim();
    };
    git('init', '-q');
    git('commit', '-q', '--allow-empty', '-m', 'tagged');
    git('tag', 'v1');
    const tagged = git('rev-parse', '--short', 'HEAD');
    git('commit', '-q', '--allow-empty', '-m', 'later');
    const later = git('rev-parse', '--short', 'HEAD');
    const source = { store: new LocalStore('/'), prefix: path.slice(1) };
    const projects = Projects.of(source);
    const isTagged = async (commit: string) =>
      (await projects.knowledge(`${source.prefix}/${RUN}`, commit)).commitTagged;
    expect(await isTagged(tagged)).toBe(true);
    expect(await isTagged(later)).toBe(false);
    expect(await isTagged('0000000')).toBe(false);
    // A new tag changes what runs below it are worth, so it is part of their content.
    const { tags } = await projects.around(`${source.prefix}/${RUN}`);
    expect(tags?.files.map(({ key }) => key.slice(source.prefix.length))).toEqual(['/p/.git/refs/tags/v1']);
  });

  test('are unknown in what only looks like a repository', async () => {
    expect(await knowledge({ 'p/.git/HEAD': 'nonsense' }, '956ba40')).toMatchObject({
      commitTagged: undefined,
    });
  });
});

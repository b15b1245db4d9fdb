import { afterEach, describe, expect, test } from 'vitest';
import { LocalStore } from '../../lake/store/local-store.ts';
import type { Family, FamilyName, Issue, RunCandidate } from '../family.ts';
import { temporaryTree } from '../testing.ts';
import { parentKey } from './directory.ts';
import { discoverRuns } from './discover.ts';

let tree: ReturnType<typeof temporaryTree> | undefined;
afterEach(() => tree?.remove());

/**
 * A family whose runs are directories with a file of the given name, or their parents. Of the other files those that
 * `reads` names are the run's too.
 */
function family(
  name: FamilyName,
  mark: string,
  options: { reads?: readonly string[]; late?: boolean; rootIsParent?: boolean; explains?: string } = {},
): Family {
  const { reads = [], late = false, rootIsParent = false, explains } = options;
  return {
    name,
    marks: new Set([mark]),
    finder(_, context) {
      const found: RunCandidate[] = [];
      return {
        async visit({ key, files }) {
          if (explains !== undefined && files.has(explains)) {
            context.issue?.({ severity: 'info', code: 'ARCHIVE', file: key, message: 'an archive' });
          }
          if (!files.has(mark)) return [];
          const root = rootIsParent ? parentKey(key) : key;
          const candidate: RunCandidate = {
            family: name,
            kind: 'run',
            root,
            runId: `${context.namespace}/${name}/${root.split('/').at(-1)}`,
            files: [...files.values()].filter(({ key }) => {
              const file = key.slice(key.lastIndexOf('/') + 1);
              return file === mark || reads.includes(file);
            }),
          };
          if (!late) return [candidate];
          found.push(candidate);
          return [];
        },
        finish: async () => found,
      };
    },
    read: () => Promise.reject(new Error('not read here')),
  };
}

async function discover(families: readonly Family[], files: readonly string[]) {
  tree = temporaryTree(Object.fromEntries(files.map((file) => [file, ''])));
  const source = { store: new LocalStore('/'), prefix: tree.path.slice(1) };
  const below = (key: string | undefined) => key?.slice(source.prefix.length + 1);
  const issues: Issue[] = [];
  const runs: string[] = [];
  const context = { namespace: 'main', issue: (issue: Issue) => void issues.push(issue) };
  for await (const { candidate } of discoverRuns(source, families, context)) {
    runs.push(`${candidate.family} ${below(candidate.root)}`);
  }
  return {
    runs,
    issues: issues.map(({ code, file, message }) => `${code} ${below(file) ?? ''}: ${message}`),
  };
}

const A = family('HALLULENS', 'a.json', { reads: ['more.csv'] });
const B = family('ENTROPY', 'b.json');

describe('a run is found once', () => {
  test('a directory that two families claim goes to the one that explains more of it', async () => {
    for (const families of [
      [A, B],
      [B, A],
    ]) {
      const { runs, issues } = await discover(families, ['x/a.json', 'x/b.json', 'x/more.csv', 'y/b.json']);
      expect(runs).toEqual(['HALLULENS x', 'ENTROPY y']);
      expect(issues).toEqual([
        'CLAIMED_TWICE x: looks like the ENTROPY run main/ENTROPY/x too, but is read as HALLULENS, which explains more of it',
      ]);
      tree?.remove();
    }
  });

  test('of equals the one registered first', async () => {
    expect((await discover([A, B], ['x/a.json', 'x/b.json'])).runs).toEqual(['HALLULENS x']);
    tree?.remove();
    expect((await discover([B, A], ['x/a.json', 'x/b.json'])).runs).toEqual(['ENTROPY x']);
  });

  test('a file that was given away stays so', async () => {
    const parent = family('FV', 'a.json', { late: true, rootIsParent: true });
    const { runs, issues } = await discover([parent, A], ['q/artifacts/a.json']);
    expect(runs).toEqual(['HALLULENS q/artifacts']);
    expect(issues).toEqual([
      expect.stringMatching(/^CLAIMED_TWICE q\/artifacts\/a\.json: looks like the FV/),
    ]);
  });

  test('of two directories that are the same run the first counts', async () => {
    const { runs, issues } = await discover([A], ['one/x/a.json', 'two/x/a.json']);
    expect(runs).toEqual(['HALLULENS one/x']);
    expect(issues).toEqual([expect.stringMatching(/^DUPLICATE_RUN two\/x: \S+one\/x is the run/)]);
  });
});

describe('what is skipped is said', () => {
  const note = (place: string, count: string, names: string) =>
    `UNRECOGNISED_FILES ${place}: ${count} (${names}) of no known kind of run; skipped`;

  test('once for a whole tree without runs, and for loose files beside runs', async () => {
    const { issues } = await discover(
      [A],
      [
        'runs/x/a.json',
        'runs/x/more.csv',
        'runs/x/other.json',
        'runs/notes.csv',
        'data/train/1.jsonl',
        'data/train/2.jsonl',
        'data/test/1.jsonl',
        'data/test/2.parquet',
        'data/index.json',
      ],
    );
    expect(issues).toEqual([
      note('data', '5 data files in 3 directories', 'test/1.jsonl, test/2.parquet, train/1.jsonl, …'),
      note('runs', '1 data file', 'notes.csv'),
    ]);
  });

  test('not for what is clearly nobody’s run, nor for what a family explained', async () => {
    const { issues } = await discover(
      [family('CHAOSBENCH', 'c.json', { explains: 'ARCHIVED' })],
      [
        'README.md',
        'plot.png',
        'train.py',
        'job.log',
        '.git/index.json',
        'node_modules/x/package.json',
        'venv/lib/site-packages/x/data.csv',
        'old/ARCHIVED',
        'old/2024/results.csv',
        'old/table.csv',
      ],
    );
    expect(issues).toEqual(['ARCHIVE old: an archive']);
  });

  test('not for directories whose files a run reads, whenever it is found', async () => {
    for (const options of [{ rootIsParent: true }, { rootIsParent: true, late: true }]) {
      const files = ['q/artifacts/a.json', 'q/artifacts/x.json', 'q/plan.json', 'z/x.json'];
      const { runs, issues } = await discover([family('FV', 'a.json', options)], files);
      expect(runs).toEqual(['FV q']);
      expect(issues).toEqual([note('z', '1 data file', 'x.json')]);
      tree?.remove();
    }
  });

  test('at most fifty times a kind', async () => {
    const files = Array.from({ length: 60 }, (_, i) => `junk${i}/x.json`);
    const { runs, issues } = await discover([A], [...files, 'run/a.json']);
    expect(runs).toEqual(['HALLULENS run']);
    expect(issues).toHaveLength(51);
    expect(issues.at(-1)).toBe('UNRECOGNISED_FILES : 10 more of this kind are not listed');
  });
});

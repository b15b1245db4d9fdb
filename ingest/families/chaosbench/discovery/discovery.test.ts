import { afterEach, describe, expect, test } from 'vitest';
import { LocalStore } from '../../../../lake/store/local-store.ts';
import type { Issue } from '../../../family.ts';
import { findRuns, temporaryTree } from '../../../testing.ts';
import { CHAOSBENCH } from '../index.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

const NAME = '20260220T104105Z_ollama_llama3.1:8b';
const MANIFEST = '{"run_id": "x"}';
const RUN = { 'run_manifest.json': MANIFEST, 'metrics.json': '{}', 'predictions.jsonl': '' };

function inside(directory: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${directory}/${name}`, text]));
}

function receipt(source: string, runId = NAME, copied: readonly string[] = []): string {
  return JSON.stringify({
    published_utc: '2026-02-21T00:00:00+00:00',
    source_run_dir: source,
    run_id: runId,
    artifacts_copied: copied,
    artifacts_skipped: [],
    compress_predictions: false,
  });
}

const published = (source: string, more: Readonly<Record<string, string>> = {}) => ({
  'run_manifest.json': MANIFEST,
  'metrics.json': '{}',
  'publish_receipt.json': receipt(source),
  ...more,
});

async function found(files: Readonly<Record<string, string>>, below = '') {
  const temporary = temporaryTree(files);
  trees.push(temporary);
  const root = temporary.path.slice(1);
  const issues: Issue[] = [];
  const tree = { store: new LocalStore('/'), prefix: below === '' ? root : `${root}/${below}` };
  const runs = await findRuns(CHAOSBENCH, tree, { issue: (issue) => issues.push(issue) });
  return {
    runs: runs.map(
      ({ kind, root: at, runId }) =>
        `${kind} ${at.slice(root.length + 1)} ${runId.replace('main/chaosbench/', '')}`,
    ),
    files: runs.map((run) => run.files.map(({ key }) => key.slice(root.length + 1))),
    issues: issues.map(({ severity, code, file }) => `${severity} ${code} ${file?.slice(root.length + 1)}`),
  };
}

describe('what a directory is', () => {
  test('a run by its files, its name helping where some are lost; the rest is nobody’s', async () => {
    const { runs } = await found({
      ...inside(`runs/${NAME}`, RUN),
      ...inside(`runs/a/${NAME}`, { 'metrics.json': '{}' }),
      ...inside(`runs/b/${NAME}`, { 'metrics.json': '{}', '.eval_checkpoint.jsonl': '' }),
      ...inside(`runs/c/${NAME}`, { '.eval_checkpoint.jsonl': '' }),
      ...inside('runs/d/renamed', { 'metrics.json': '{}', 'predictions.jsonl': '' }),
      ...inside('other/x', { 'metrics.json': '{}' }),
      ...inside('other/y', { 'predictions.jsonl': '' }),
      ...inside('other/z', { 'run_manifest.json': '{}', 'metrics.json': '{}', 'config.json': '{}' }),
    });
    expect(runs).toEqual([
      `run runs/${NAME} ${NAME}`,
      `run runs/a/${NAME} a/${NAME}`,
      `run runs/b/${NAME} b/${NAME}`,
      `interrupted runs/c/${NAME} c/${NAME}`,
      'run runs/d/renamed d/renamed',
    ]);
  });

  test('the id is the same whichever directory was named, and without a directory called runs', async () => {
    const files = inside(`runs/label/${NAME}`, RUN);
    for (const below of ['', 'runs', 'runs/label', `runs/label/${NAME}`]) {
      expect((await found(files, below)).runs).toEqual([`run runs/label/${NAME} label/${NAME}`]);
    }
    expect((await found(inside(`trial/${NAME}`, RUN))).runs).toEqual([`run trial/${NAME} trial/${NAME}`]);
  });

  test('archives of the first version and derived tables are named, not read', async () => {
    const { runs, issues } = await found({
      ...inside('published_results/archive_v1/gpt4', {
        'run_meta.json': '{}',
        'summary.json': '{}',
        'predictions.csv': '',
      }),
      'artifacts/runs_audit/RUNS_AUDIT.md': '',
      'artifacts/runs_audit/summary.json': '{}',
    });
    expect(runs).toEqual([]);
    expect(issues).toEqual([
      'info RESULT_TABLES_IGNORED artifacts/runs_audit',
      'info V1_ARCHIVE_IGNORED published_results/archive_v1/gpt4',
    ]);
  });

  test('the files of the project are known, and those that decide the verdict belong to the run', async () => {
    const { files, issues } = await found({
      ...inside(`p/runs/${NAME}`, { ...RUN, 'notes.txt': '' }),
      'p/data/canonical_v2_files.json': '{"files": ["data/a.jsonl", "data/b.jsonl"]}',
      'p/data/a.jsonl': '{}\n',
      'p/data/b.jsonl': '{}\n',
      'p/data/more.jsonl': '{}\n',
      'git_reachable_from_tags.json': '{}',
    });
    expect(files).toEqual([
      [
        'git_reachable_from_tags.json',
        'p/data/a.jsonl',
        'p/data/b.jsonl',
        'p/data/canonical_v2_files.json',
        `p/runs/${NAME}/metrics.json`,
        `p/runs/${NAME}/predictions.jsonl`,
        `p/runs/${NAME}/run_manifest.json`,
      ],
    ]);
    expect(issues).toEqual([]);
  });
});

describe('published runs', () => {
  test('are the run that their receipt names, and give way to it', async () => {
    const copy = inside(`published_results/runs/${NAME}`, published(`/old/runs/label/${NAME}`));
    const alone = await found(copy);
    expect(alone.runs).toEqual([`published published_results/runs/${NAME} label/${NAME}`]);
    const both = await found({ ...copy, ...inside(`runs/label/${NAME}`, RUN) });
    expect(both.runs).toEqual([`run runs/label/${NAME} label/${NAME}`]);
    expect(both.issues).toEqual([`info PUBLISHED_COPY published_results/runs/${NAME}`]);
  });

  test('with predictions go before a live run that lost them', async () => {
    const { runs, issues } = await found({
      ...inside(
        'pub/anything',
        published(`/old/runs/${NAME}`, {
          'publish_receipt.json': receipt(`/old/runs/${NAME}`, NAME, ['predictions_subset.jsonl.gz']),
          'predictions_subset.jsonl.gz': '',
        }),
      ),
      ...inside(`runs/${NAME}`, { 'run_manifest.json': MANIFEST, 'metrics.json': '{}' }),
    });
    expect(runs).toEqual([`published pub/anything ${NAME}`]);
    expect(issues).toEqual([`info PUBLISHED_COPY runs/${NAME}`]);
  });

  test('of a run that was moved since are recognised by the manifest', async () => {
    const copy = inside(`published_results/runs/${NAME}`, published(`/old/runs/label/${NAME}`));
    const moved = await found({ ...copy, ...inside(`runs/archive/${NAME}`, RUN) });
    expect(moved.runs).toEqual([`run runs/archive/${NAME} archive/${NAME}`]);
    const other = await found({
      ...copy,
      ...inside(`runs/archive/${NAME}`, { ...RUN, 'run_manifest.json': '{"run_id": "y"}' }),
    });
    expect(other.runs).toHaveLength(2);
  });

  test('are not led astray by a receipt', async () => {
    for (const source of ['/x', `/runs/../../${NAME}`, `/runs/other`, '']) {
      const { runs } = await found(inside(`pub/${NAME}`, published(source)));
      expect(runs).toEqual([`published pub/${NAME} pub/${NAME}`]);
    }
    const broken = await found(
      inside(`published_results/runs/${NAME}`, { ...RUN, 'publish_receipt.json': '{' }),
    );
    expect(broken.runs).toEqual([`published published_results/runs/${NAME} ${NAME}`]);
  });

  test('their index is compared with the directories', async () => {
    const row = (name: string) => `| \`${name}\` | ollama/x | 1 | — | — | — | 2026-02-20 |\n`;
    const { issues } = await found({
      ...inside('pub/renamed', published(`/runs/${NAME}`)),
      'pub/README.md': `# Published\n\n| Run ID |\n|---|\n${row(NAME)}${row('gone')}`,
      'other/README.md': row('nothing'),
    });
    expect(issues).toEqual(['info PUBLISHED_INDEX_ORPHAN pub/README.md']);
  });
});

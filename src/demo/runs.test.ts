import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { validate } from '../../ingest/pipeline/validate.ts';
import { auroc, rankScores } from '../../ingest/stats/index.ts';
import { answerAll } from './answers.ts';
import { viewsOf } from './methods.ts';
import { trainLogistic } from './probes.ts';
import { writeDemoRuns } from './runs.ts';
import { LAYERS } from './stream.ts';

let folder: string;
let runs: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlake-demo-'));
  runs = await writeDemoRuns(join(folder, 'a'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Every file below a directory with its hash, and their bytes together. */
async function contents(directory: string): Promise<{ hashes: Map<string, string>; bytes: number }> {
  const hashes = new Map<string, string>();
  let bytes = 0;
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    const path = join(directory, name);
    if (!(await stat(path)).isFile()) continue;
    const data = await readFile(path);
    bytes += data.length;
    hashes.set(name, createHash('sha256').update(data).digest('hex'));
  }
  return { hashes, bytes };
}

describe('writeDemoRuns', () => {
  it('writes two methods with three seeds each, six files a run, in under 5 MB', async () => {
    expect(runs).toHaveLength(6);
    for (const run of runs) {
      expect((await readdir(run)).sort()).toEqual([
        'config.json',
        'eval_metrics.json',
        'generations.jsonl',
        'predictions.csv',
        'run_manifest.json',
        'train_metrics.jsonl',
      ]);
      expect(await readFile(join(run, 'run_manifest.json'), 'utf8')).toContain('no model was run');
    }
    expect((await contents(join(folder, 'a'))).bytes).toBeLessThan(5e6);
  });

  it('writes the same bytes for the same seed and other bytes for another', async () => {
    await writeDemoRuns(join(folder, 'b'), { seed: 0 });
    const [first, second] = [await contents(join(folder, 'a')), await contents(join(folder, 'b'))];
    expect(second.hashes).toEqual(first.hashes);
    await writeDemoRuns(join(folder, 'c'), { seed: 1 });
    const run = runs[0]!.slice(join(folder, 'a').length + 1);
    const other = await contents(join(folder, 'c'));
    expect(other.hashes.has(join(run, 'config.json'))).toBe(false);
    expect(other.hashes.get(join(run.replace('seed_0', 'seed_1'), 'generations.jsonl'))).toBe(
      first.hashes.get(join(run.replace('seed_0', 'seed_1'), 'generations.jsonl')),
    );
  });

  it('meets the contract without an error or a warning', async () => {
    const report = await validate([join(folder, 'a')], { families: [HALLULENS] });
    expect(report.issues).toEqual([]);
    expect(report.runs).toHaveLength(6);
    for (const run of report.runs) {
      expect(run).toMatchObject({ status: 'ingested', issues: [] });
      expect(run.runId).toMatch(
        /^main\/hallulens\/2026-01-15\/\w+\/example__synthetic-4l\/exampletrivia\/seed_[012]$/,
      );
      expect(run.rows).toMatchObject({ generations: 150, predictions: 75 });
      expect(run.rows['activations']).toBeGreaterThan(150 * LAYERS);
      const checklist = JSON.parse(run.compliance ?? '[]') as { passed: boolean }[];
      expect(checklist.length).toBeGreaterThan(5);
      expect(checklist.every((item) => item.passed)).toBe(true);
    }
  });

  it('has plausible metrics', async () => {
    for (const run of runs) {
      const metrics: unknown = JSON.parse(await readFile(join(run, 'eval_metrics.json'), 'utf8'));
      expect(metrics).toMatchObject({ n_examples: 75 });
      const value = (metrics as { auroc: number }).auroc;
      expect(value).toBeGreaterThan(0.6);
      expect(value).toBeLessThan(0.95);
    }
  });

  it('labels a response by whether it names the answer', () => {
    const answers = answerAll(7);
    expect(answers).toHaveLength(150);
    expect(new Set(answers.map((answer) => answer.key)).size).toBe(150);
    for (const { halu, response, question } of answers)
      expect(halu).toBe(!response.includes(question.answer));
  });

  it('tells hallucinations better in deeper layers, and not at all in the embedding', () => {
    const byLayer = Array.from({ length: LAYERS }, (_, layer) => {
      const values = [0, 1, 2].map((seed) => {
        const answers = answerAll(seed);
        const [train, test] = (['train', 'test'] as const).map((split) =>
          answers.filter((answer) => answer.question.split === split),
        );
        const probe = trainLogistic(
          train!.map((answer) => viewsOf(answer, [layer])),
          train!.map((answer) => answer.halu),
          { epochs: 30, lr: 0.3 },
        );
        return auroc(
          rankScores(
            test!.map((answer) => probe.score(viewsOf(answer, [layer]))),
            test!.map((answer) => Number(answer.halu)),
          ),
        );
      });
      return values.reduce((a, b) => a + b, 0) / values.length;
    });
    expect(byLayer[0]).toBeLessThan(0.6);
    expect(byLayer[LAYERS - 1]).toBeGreaterThan(byLayer[LAYERS - 2]!);
    expect(byLayer[LAYERS - 2]).toBeGreaterThan(byLayer[1]!);
  });
});

import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HALLULENS } from '../ingest/families/hallulens/index.ts';
import { type IngestOptions, ingest } from '../ingest/pipeline/ingest.ts';
import { validate } from '../ingest/pipeline/validate.ts';
import { temporaryTree } from '../ingest/testing.ts';
import type { Lake } from '../lake/lake.ts';
import type { LakeWriter } from '../lake/writer.ts';
import { smallRuns } from './support/small-runs.ts';
import { type TemporaryLake, temporaryLake } from './support/temporary-lake.ts';

const families = [HALLULENS];
let home: TemporaryLake;
let directory: string;
let tree: ReturnType<typeof temporaryTree>;
let source: string;
let runs: string[];
let lake: Lake;
let writer: LakeWriter;

beforeAll(async () => {
  home = await temporaryLake();
  ({ directory, lake, writer } = home);
  const files = smallRuns(3);
  tree = temporaryTree(files);
  source = tree.path;
  runs = Object.keys(files)
    .filter((name) => basename(name) === 'config.json')
    .map((name) => join(source, dirname(name)));
});
afterAll(async () => {
  await home.remove();
  tree.remove();
});

const put = (path: string, options: Partial<IngestOptions> = {}) =>
  ingest(writer, [path], { families, ...options });
const count = async (sql: string) =>
  Number((await lake.sandboxedQuery(await lake.snapshot(), sql)).rows[0]?.[0]);

describe('the life of a run', () => {
  it('is cancelled without leaving anything visible, and then ingested', async () => {
    const controller = new AbortController();
    const cancelled = put(source, {
      signal: controller.signal,
      onProgress: ({ storeEntries }) => storeEntries > 5 && controller.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await count('SELECT count(*) FROM runs')).toBe(0);
    const seen: string[] = [];
    const report = await put(source, { onRun: (run) => seen.push(run.runId) });
    expect(report.runs.map((run) => run.status)).toEqual(runs.map(() => 'ingested'));
    expect(seen.length).toBe(runs.length);
    expect(await count('SELECT count(*) FROM runs')).toBe(runs.length);
  });

  it('keeps its identity when a run directory, or the tree moved elsewhere, is named', async () => {
    const moved = join(directory, 'elsewhere/deeper');
    cpSync(source, moved, { recursive: true });
    for (const path of [runs[0]!, moved]) {
      const report = await put(path);
      expect(new Set(report.runs.map((run) => run.status))).toEqual(new Set(['unchanged']));
    }
    expect(await count('SELECT count(*) FROM runs')).toBe(runs.length);
  });

  it('is replaced when its content changes, and the old state stays readable', async () => {
    const before = await lake.snapshot();
    const copy = join(directory, 'changed');
    cpSync(source, copy, { recursive: true });
    const run = runs[0]!.replace(source, copy);
    const manifest = join(run, 'run_manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"Linux"', '"Linux, corrected"'));
    const report = await put(copy);
    expect(report.runs.filter((r) => r.status === 'replaced')).toHaveLength(1);
    expect(report.runs.filter((r) => r.status === 'unchanged')).toHaveLength(runs.length - 1);
    const corrected = `SELECT count(*) FROM runs WHERE manifest LIKE '%corrected%'`;
    expect(await count(corrected)).toBe(1);
    expect((await lake.sandboxedQuery(before, corrected)).rows).toEqual([[0n]]);
    expect(await count('SELECT count(*) FROM generations')).toBe(
      Number((await lake.sandboxedQuery(before, 'SELECT count(*) FROM generations')).rows[0]?.[0]),
    );
  });

  it('is rejected whole for a bad record, or ingested without it when lenient', async () => {
    const copy = join(directory, 'torn');
    cpSync(source, copy, { recursive: true });
    appendFileSync(join(runs[0]!.replace(source, copy), 'generations.jsonl'), '{"example_id": "torn');
    const strict = await put(copy, { namespace: 'strict' });
    expect(strict.runs.filter((run) => run.status === 'rejected')).toHaveLength(1);
    expect(await count(`SELECT count(*) FROM runs WHERE run_id LIKE 'strict/%'`)).toBe(runs.length - 1);
    const lenient = await put(copy, { namespace: 'lenient', lenient: true });
    expect(lenient.runs.every((run) => run.status === 'ingested')).toBe(true);
    expect(lenient.runs.flatMap((run) => run.issues.map((issue) => issue.code))).toContain(
      'TRUNCATED_LAST_LINE',
    );
    expect(await count(`SELECT count(*) FROM generations WHERE run_id LIKE 'lenient/%'`)).toBe(
      await count(`SELECT count(*) FROM generations WHERE run_id LIKE 'main/%'`),
    );
  });

  it('stores what is asked for of its activations', async () => {
    await put(source, {
      namespace: 'few',
      activations: { layers: [1], tokens: 'mean', sequence: 'recorded' },
    });
    const of = (namespace: string) =>
      `FROM run_stores s JOIN activations a USING (store_id) WHERE s.run_id LIKE '${namespace}/%/probe_v1/%/seed_0'`;
    expect(await count(`SELECT count(DISTINCT a.layer) ${of('main')}`)).toBe(2);
    expect(await count(`SELECT count(DISTINCT a.layer) ${of('few')}`)).toBe(1);
    expect(await count(`SELECT count(*) ${of('few')} AND a.token_index IS NOT NULL`)).toBe(0);
    // The mean over tokens in SQL, in double precision, is the mean that was stored.
    const worst = await count(`
      WITH pooled AS (SELECT DISTINCT a.activation_key, a.layer, a.vector ${of('few')}),
      every AS (SELECT DISTINCT a.activation_key, a.layer, a.token_index, a.vector ${of('main')}),
      sums AS (SELECT activation_key, layer, i, avg(v::DOUBLE) AS mean
        FROM (SELECT activation_key, layer, unnest(vector) AS v, unnest(range(len(vector))) AS i FROM every) GROUP BY ALL)
      SELECT max(abs(p.vector[s.i + 1] - s.mean)) FROM pooled p JOIN sums s USING (activation_key, layer)`);
    expect(worst).toBeLessThan(1e-6);
  });

  it('is checked without being written', async () => {
    const before = (await lake.snapshot()).token;
    const report = await validate([source], { families });
    expect(report.runs.every((run) => run.status === 'ingested' && run.issues.length === 0)).toBe(true);
    expect(report.runs[0]?.rows['generations']).toBeGreaterThan(0);
    expect((await lake.snapshot()).token).toBe(before);
  });
});

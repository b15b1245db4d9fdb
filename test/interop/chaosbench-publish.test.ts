import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import {
  type PublishRequest,
  type PublishResult,
  publishRun,
} from '../../compute/tasks/chaos/publish/publish.ts';
import { createServer } from '../../graphql/server.ts';
import { publishReceiptSchema } from '../../ingest/contracts/chaosbench/publish-receipt.ts';
import { CHAOSBENCH } from '../../ingest/families/chaosbench/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { S3Store } from '../../lake/store/s3-store.ts';
import { freshBucket, s3Missing, s3Server } from '../support/s3-server.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const fixtures = `${sharedDir ?? ''}fixtures/chaosbench`;
const NOW = new Date('2026-11-21T12:00:00.000Z');

/** Every file below a directory by its path. */
function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(
    files.sort().map((path) => [path.slice(directory.length + 1), readFileSync(path).toString('latin1')]),
  );
}

describe.skipIf(sharedDir === undefined)('publishing the ChaosBench fixtures', () => {
  let lake: TemporaryLake;
  let project: string;
  let outs = 0;

  beforeAll(async () => {
    lake = await temporaryLake();
    project = join(lake.directory, 'project');
    for (const part of ['runs', 'artifacts/freeze', 'data']) {
      cpSync(`${fixtures}/mini_project/${part}`, join(project, part), { recursive: true });
    }
    cpSync(`${fixtures}/git_reachable_from_tags.json`, join(project, 'git_reachable_from_tags.json'));
    await ingest(lake.writer, [join(project, 'runs')], { families: [CHAOSBENCH] });
  });
  afterAll(() => lake?.remove());

  const freshOut = () => join(lake.directory, 'published', String(outs++));
  const runDirectory = (label: string) => {
    const [name = ''] = readdirSync(join(project, 'runs', label));
    return join(project, 'runs', label, name);
  };
  const publish = (request: PublishRequest, now = NOW): Promise<PublishResult> =>
    publishRun(request, { lake: { reader: lake.lake, home: lake.lake.home }, env: process.env, now });
  const failure = async (request: PublishRequest) => {
    const error: unknown = await publish(request).catch((caught: unknown) => caught);
    return z.object({ code: z.string(), message: z.string() }).parse(error);
  };

  test('an official run: its artifacts byte for byte, a receipt without paths, an index', async () => {
    const out = freshOut();
    const result = await publish({ run: '20261120T202728Z_ollama_synth-good:8b', out });
    expect(result).toMatchObject({
      status: 'published',
      runId: 'main/chaosbench/full_good/20261120T202728Z_ollama_synth-good:8b',
    });
    const directory = join(out, '20261120T202728Z_ollama_synth-good:8b');
    expect(readdirSync(directory).sort()).toEqual([
      'metrics.json',
      'publish_receipt.json',
      'run_manifest.json',
      'summary.md',
    ]);
    for (const file of ['metrics.json', 'run_manifest.json', 'summary.md']) {
      expect(readFileSync(join(directory, file))).toEqual(
        readFileSync(join(runDirectory('full_good'), file)),
      );
    }
    const text = readFileSync(join(directory, 'publish_receipt.json'), 'utf8');
    expect(text).not.toContain(lake.directory);
    expect(publishReceiptSchema.parse(JSON.parse(text))).toMatchObject({
      published_utc: '2026-11-21T12:00:00.000Z',
      source_run_dir: 'runs/full_good/20261120T202728Z_ollama_synth-good:8b',
      run_id: '20261120T202728Z_ollama_synth-good:8b',
      artifacts_copied: ['run_manifest.json', 'metrics.json', 'summary.md'],
      artifacts_skipped: [],
      compress_predictions: false,
      verdict: 'OFFICIAL',
    });
    const index = readFileSync(join(out, 'README.md'), 'utf8');
    expect(index).toContain(
      '| `20261120T202728Z_ollama_synth-good:8b` | ollama/synth-good:8b | 1,255 | 0.7769 | 0.7768 | 0.5537 | 2026-11-20 | OFFICIAL |',
    );
    expect(readdirSync(out).sort()).toEqual(['20261120T202728Z_ollama_synth-good:8b', 'README.md']);
  });

  test('the index has the rows of the original, in its order', async () => {
    const out = freshOut();
    for (const label of ['resumed', 'flaky', 'full_mock', 'full_falsey', 'sub_file', 'wrong_sha']) {
      await publish({ run: runDirectory(label), out, allowExploratory: true });
    }
    const rows = (text: string) => text.split('\n').filter((line) => line.startsWith('| `'));
    const ours = rows(readFileSync(join(out, 'README.md'), 'utf8'));
    const theirs = rows(readFileSync(`${fixtures}/mini_project/published_results/runs/README.md`, 'utf8'));
    const names = new Set(ours.map((row) => row.split('|')[1]));
    expect(ours.map((row) => `${row.split('|').slice(0, 8).join('|')}|`)).toEqual(
      theirs.filter((row) => names.has(row.split('|')[1] ?? '')),
    );
    expect(ours.map((row) => row.split('|').at(8)?.trim())).toEqual([
      'OFFICIAL',
      'OFFICIAL',
      'OFFICIAL',
      'EXPLORATORY',
      'EXPLORATORY',
      'OFFICIAL',
    ]);
  });

  test('an exploratory run is not published as an official one', async () => {
    const out = freshOut();
    expect(await failure({ run: runDirectory('stale_prompt'), out })).toEqual({
      code: 'NOT_OFFICIAL',
      message:
        'main/chaosbench/stale_prompt/20261120T202750Z_ollama_synth-good:8b is EXPLORATORY; criteria not met: prompt_hash',
    });
    expect(existsSync(out)).toBe(false);
    const { receipt } = await publish({ run: runDirectory('stale_prompt'), out, allowExploratory: true });
    expect(receipt).toMatchObject({ verdict: 'EXPLORATORY', verdict_reasons: ['prompt_hash'] });
  });

  test('the predictions of a subset run are compressed to the same bytes every time', async () => {
    const [first, second] = [freshOut(), freshOut()];
    const request = {
      run: 'main/chaosbench/sub_max200/20261120T202743Z_ollama_synth-good:8b',
      compressPredictions: true,
    };
    await publish({ ...request, out: first });
    await publish({ ...request, run: runDirectory('sub_max200'), out: second });
    expect([...contents(second)]).toEqual([...contents(first)]);
    const directory = join(first, '20261120T202743Z_ollama_synth-good:8b');
    const compressed = readFileSync(join(directory, 'predictions_subset.jsonl.gz'));
    expect([...compressed.subarray(4, 10)]).toEqual([0, 0, 0, 0, 2, 255]);
    expect(gunzipSync(compressed)).toEqual(
      readFileSync(join(runDirectory('sub_max200'), 'predictions.jsonl')),
    );
  });

  test('which predictions are published: those of subsets, with or without max_items', async () => {
    const out = freshOut();
    const subset = await publish({ run: runDirectory('sub_file'), out, compressPredictions: true });
    expect(subset.receipt.artifacts_copied).toContain('predictions_subset.jsonl.gz');
    const full = await publish({ run: runDirectory('full_falsey'), out, compressPredictions: true });
    expect(full.receipt.artifacts_copied).not.toContain('predictions_subset.jsonl.gz');
    expect(full.receipt.artifacts_skipped).toEqual([
      'predictions_subset.jsonl.gz (skipped: not a subset run)',
    ]);
  });

  test('publishing again changes nothing; other content needs --force, which leaves nothing stale', async () => {
    const out = freshOut();
    const request = { run: runDirectory('sub_max200'), out };
    await publish({ ...request, compressPredictions: true });
    const before = contents(out);
    const later = new Date('2027-01-01T00:00:00.000Z');
    const again = await publish({ ...request, compressPredictions: true, force: true }, later);
    expect(again.status).toBe('unchanged');
    expect(again.receipt.published_utc).toBe('2026-11-21T12:00:00.000Z');
    expect([...contents(out)]).toEqual([...before]);

    expect(await failure(request)).toMatchObject({
      code: 'PUBLISH_CONFLICT',
      message: 'something else is published there: predictions_subset.jsonl.gz, publish_receipt.json',
    });
    writeFileSync(join(out, '20261120T202743Z_ollama_synth-good:8b', 'left-over.txt'), 'stale');
    expect((await publish({ ...request, force: true })).status).toBe('replaced');
    expect(readdirSync(join(out, '20261120T202743Z_ollama_synth-good:8b')).sort()).toEqual([
      'metrics.json',
      'publish_receipt.json',
      'run_manifest.json',
      'summary.md',
    ]);
    expect(readdirSync(out).sort()).toEqual(['20261120T202743Z_ollama_synth-good:8b', 'README.md']);
  });

  test('a missing artifact is an error where it has to be there, and said where it has not', async () => {
    const copy = (label: string, ...without: readonly string[]) => {
      const target = join(project, 'runs', `${label}_without_${without.join('_')}`, 'copy');
      mkdirSync(dirname(target), { recursive: true });
      cpSync(runDirectory(label), target, { recursive: true });
      for (const file of without) rmSync(join(target, file));
      return target;
    };
    const out = freshOut();
    const noPredictions = copy('sub_max200', 'predictions.jsonl');
    expect((await failure({ run: noPredictions, out, compressPredictions: true })).code).toBe(
      'UNPUBLISHABLE_RUN',
    );
    expect((await failure({ run: copy('sub_max200', 'metrics.json'), out })).code).toBe('UNPUBLISHABLE_RUN');
    expect((await failure({ run: runDirectory('interrupted'), out, allowExploratory: true })).message).toBe(
      'run_manifest.json is missing',
    );
    const { receipt } = await publish({ run: runDirectory('flaky'), out, allowExploratory: true });
    expect(receipt.artifacts_skipped).toEqual(['summary.md (missing)']);
    for (const label of ['sub_max200_without_predictions.jsonl', 'sub_max200_without_metrics.json']) {
      rmSync(join(project, 'runs', label), { recursive: true });
    }
  });

  test('what is published of a run of the lake is what was ingested', async () => {
    const out = freshOut();
    const run = 'main/chaosbench/full_falsey/20261120T202730Z_ollama_synth-falsey:7b';
    const path = join(runDirectory('full_falsey'), 'summary.md');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, `${text}\nedited`);
    expect((await failure({ run, out })).code).toBe('SOURCE_CHANGED');
    writeFileSync(path, text);
    expect((await publish({ run, out })).status).toBe('published');

    const moved = join(lake.directory, 'moved');
    cpSync(runDirectory('full_falsey'), moved, { recursive: true });
    rmSync(join(project, 'runs', 'full_falsey'), { recursive: true });
    expect(await failure({ run, out: freshOut() })).toMatchObject({
      code: 'SOURCE_CHANGED',
      message: `the artifacts of ${run} are gone`,
    });
    cpSync(moved, join(project, 'runs', 'full_falsey', '20261120T202730Z_ollama_synth-falsey:7b'), {
      recursive: true,
    });
  });

  test('names that fit no run or several, and places that are taken', async () => {
    const out = freshOut();
    expect((await failure({ run: '20261120T202756Z_ollama_synth-messy:7b', out })).message).toBe(
      '2 runs of the lake end with 20261120T202756Z_ollama_synth-messy:7b',
    );
    expect((await failure({ run: join(project, 'none'), out })).code).toBe('RUN_NOT_FOUND');
    expect((await failure({ run: join(project, 'runs'), out })).message).toMatch(/holds 14 runs/);
    expect((await failure({ run: runDirectory('full_good'), out, name: '../elsewhere' })).code).toBe(
      'UNPUBLISHABLE_RUN',
    );
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'README.md'), '# My project\n');
    expect((await failure({ run: runDirectory('full_good'), out })).code).toBe('PUBLISH_CONFLICT');
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe('# My project\n');
    expect(readdirSync(out)).toEqual(['README.md']);
  });

  test('what is published is ingested again as the same run', async () => {
    const out = join(lake.directory, 'other-project', 'published_results', 'runs');
    await publish({ run: runDirectory('sub_max200'), out, compressPredictions: true });
    await publish({ run: runDirectory('full_good'), out, name: 'best' });
    const other = await temporaryLake();
    try {
      const { runs } = await ingest(other.writer, [out], { families: [CHAOSBENCH] });
      expect(runs.map(({ runId, status, rows }) => [runId, status, rows['predictions'] ?? 0]).sort()).toEqual(
        [
          ['main/chaosbench/full_good/20261120T202728Z_ollama_synth-good:8b', 'ingested', 0],
          ['main/chaosbench/sub_max200/20261120T202743Z_ollama_synth-good:8b', 'ingested', 200],
        ],
      );
      expect(runs.flatMap(({ issues }) => issues.filter(({ severity }) => severity === 'error'))).toEqual([]);
    } finally {
      await other.remove();
    }
  });

  test('publishRun over GraphQL; without write mode it is refused', async () => {
    const out = freshOut();
    const query = `mutation($input: PublishInput!) { publishRun(input: $input) {
      status runId uri verdict artifactsCopied artifacts { file bytes sha256 } } }`;
    const variables = { input: { runId: '20261120T202728Z_ollama_synth-good:8b', out } };
    const publisher = { publish: (request: PublishRequest) => publish(request) };
    const answers = [];
    for (const app of [
      await createServer({ reader: lake.lake, publisher }),
      await createServer({ reader: lake.lake }),
    ]) {
      const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
      answers.push(response.json());
      await app.close();
    }
    expect(answers[0].data.publishRun).toMatchObject({
      status: 'published',
      verdict: 'OFFICIAL',
      artifactsCopied: ['run_manifest.json', 'metrics.json', 'summary.md'],
    });
    expect(answers[1].errors[0].extensions.code).toBe('NOT_AVAILABLE');
  });

  test.skipIf(s3Missing !== undefined)('a bucket takes published runs too', async () => {
    const server = await s3Server(inject('s3StateFolder'));
    const settings = await freshBucket(server);
    const env = {
      ...process.env,
      S3_ENDPOINT: server.endpoint,
      AWS_REGION: server.region,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    };
    const out = `s3://${settings.bucket}/results`;
    const request = { run: runDirectory('sub_max200'), out, compressPredictions: true };
    expect((await publishRun(request, { env, now: NOW })).status).toBe('published');
    expect((await publishRun(request, { env, now: NOW })).status).toBe('unchanged');
    const bare = { run: request.run, out, force: true };
    expect((await publishRun(bare, { env, now: NOW })).status).toBe('replaced');
    const store = new S3Store(settings);
    const keys: string[] = [];
    for await (const { key } of store.list()) keys.push(key);
    const name = '20261120T202743Z_ollama_synth-good:8b';
    expect(keys).toEqual([
      ...['metrics.json', 'publish_receipt.json', 'run_manifest.json', 'summary.md'].map(
        (file) => `results/${name}/${file}`,
      ),
      'results/README.md',
    ]);
  });
});

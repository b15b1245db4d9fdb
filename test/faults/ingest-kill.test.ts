import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { sharedDir } from '../support/shared.ts';
import { compileScript } from '../support/ts-script.ts';

const source = `${sharedDir ?? ''}fixtures/hallulens/good/runs`;
const root = mkdtempSync(join(tmpdir(), 'runlake-kill-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Kills a test run makes; spread over lakes, since an ingest that gets through needs a new one. */
const KILLS = 100;

/** Everything but what names the attempt or its time. */
const ROWS = `
  SELECT 'runs' AS t, count(*) AS n, sum(hash(run_id, content_sha256, n_generations, n_predictions, n_activations, status)) AS h FROM runs
  UNION ALL SELECT 'generations', count(*), sum(hash(run_id, example_id, prompt, response, halu, activation_key)) FROM generations
  UNION ALL SELECT 'predictions', count(*), sum(hash(run_id, example_id, score_halu, label_halu)) FROM predictions
  UNION ALL SELECT 'metrics', count(*), sum(hash(run_id, metric, source, value)) FROM metrics
  UNION ALL SELECT 'train_metrics', count(*), sum(hash(run_id, step, loss)) FROM train_metrics
  UNION ALL SELECT 'run_stores', count(*), sum(hash(run_id, store_id, n_activations)) FROM run_stores
  UNION ALL SELECT 'activations', count(*), sum(hash(store_id, activation_key, layer, token_index, norm, vector)) FROM activations
  UNION ALL SELECT 'tokens', count(*), sum(hash(store_id, activation_key, token_index, token_id, logprob)) FROM tokens
  ORDER BY t`;

describe.skipIf(sharedDir === undefined)('an ingest that is killed', () => {
  it(`gives the same rows as an undisturbed one after ${KILLS} kill -9`, async () => {
    const compiled = await compileScript(new URL('../../src/cli.ts', import.meta.url));
    const cli = compiled.path;
    const run = async (lake: string, ...args: string[]) => {
      const settings = ['--store', `file:${lake}/store`, '--home', `${lake}/home`];
      const { stdout } = await promisify(execFile)('node', [cli, ...args, ...settings], {
        maxBuffer: 1 << 26,
      });
      return stdout;
    };
    const rowsOf = (lake: string) => run(lake, 'sql', ROWS, '--format', 'json');
    const undisturbed = join(root, 'undisturbed');
    const started = performance.now();
    await run(undisturbed, 'ingest', source);
    const duration = performance.now() - started;
    const expected = await rowsOf(undisturbed);
    expect(JSON.parse(expected)).toHaveLength(8);

    /** Kills ingests of one lake at random moments until one gets through; resolves to the number of kills. */
    const disturb = async (lake: string, kills: number): Promise<number> => {
      for (let made = 0; made < kills; ) {
        const child = spawn('node', [
          cli,
          'ingest',
          source,
          '--store',
          `file:${lake}/store`,
          '--home',
          `${lake}/home`,
        ]);
        const ended = new Promise<number | null>((done) => child.on('exit', done));
        const stop = new AbortController();
        const killed = sleep(Math.random() * duration, 'kill' as const, { signal: stop.signal }).catch(
          () => 'done' as const,
        );
        if ((await Promise.race([killed, ended.then(() => 'done' as const)])) === 'kill') {
          child.kill('SIGKILL');
          made += 1;
        }
        stop.abort();
        if ((await ended) === 0) return made;
      }
      return kills;
    };
    const lane = async (name: string, kills: number) => {
      for (let made = 0, n = 0; made < kills; n++) {
        const lake = join(root, `${name}-${n}`);
        made += await disturb(lake, kills - made);
        await run(lake, 'ingest', source);
        expect(await rowsOf(lake)).toBe(expected);
        if (made === kills) await checkUpkeep(lake);
        rmSync(lake, { recursive: true });
      }
    };
    /** Young leftovers are no finding; once they count as dead they are, and can be cleaned away. */
    const checkUpkeep = async (lake: string) => {
      expect(JSON.parse(await run(lake, 'lake', 'fsck', '--json'))).toEqual({ findings: [], repaired: [] });
      await run(lake, 'lake', 'fsck', '--repair', '--lease', '0', '--json');
      await run(lake, 'lake', 'compact');
      const left = await run(lake, 'lake', 'fsck', '--lease', '0', '--footers-only', '--json');
      expect(JSON.parse(left)).toMatchObject({ findings: [] });
      expect(await rowsOf(lake)).toBe(expected);
    };
    await Promise.all([lane('a', KILLS / 2), lane('b', KILLS / 2)]);
    await compiled.remove();
  }, 280_000);
});

import { afterAll, expect, it } from 'vitest';
import { temporaryTree } from '../../ingest/testing.ts';
import type { QueryResult } from '../../lake/engine/types.ts';
import { checkTables, compactTables } from '../../src/upkeep.ts';
import { survivesKills } from '../support/kills.ts';
import { smallRuns } from '../support/small-runs.ts';
import { lakeIn, type TestLake } from '../support/temporary-lake.ts';

const KILLS = 100;
const SEEDS = 2;

const source = temporaryTree(smallRuns(SEEDS));
afterAll(source.remove);

/** Everything but what names the attempt or its time. */
const ROWS = `
  SELECT 'runs' AS t, count(*) AS n, sum(hash(run_id, content_sha256, n_generations, n_predictions, n_activations, status)) AS h FROM runs
  UNION ALL SELECT 'generations', count(*), sum(hash(run_id, example_id, prompt, response, halu, activation_key)) FROM generations
  UNION ALL SELECT 'predictions', count(*), sum(hash(run_id, example_id, score_halu, label_halu)) FROM predictions
  UNION ALL SELECT 'metrics', count(*), sum(hash(run_id, metric, source, value)) FROM metrics
  UNION ALL SELECT 'train_metrics', count(*), sum(hash(run_id, step, loss)) FROM train_metrics
  UNION ALL SELECT 'run_stores', count(*), sum(hash(run_id, store_id, n_activations)) FROM run_stores
  UNION ALL SELECT 'activations', count(*), sum(hash(store_id, activation_key, layer, token_index, norm, vector)) FROM activations
  ORDER BY t`;

async function rowsOf({ lake }: TestLake): Promise<QueryResult['rows']> {
  return (await lake.sandboxedQuery(await lake.snapshot(), ROWS)).rows;
}

/** Young leftovers are no finding; once they count as dead they are, and can be cleaned away. */
async function upkeepKeepsRows(open: TestLake): Promise<void> {
  const { lake } = open;
  const rows = await rowsOf(open);
  expect(await checkTables(lake, undefined, { data: true })).toEqual({ findings: [], repaired: [] });
  await checkTables(lake, undefined, { repair: true, leaseMs: 0, data: true });
  await compactTables(lake, undefined);
  expect(await checkTables(lake, undefined, { leaseMs: 0 })).toMatchObject({ findings: [] });
  expect(await rowsOf(open)).toEqual(rows);
}

const TOGETHER = 4;

it(`an ingest that is killed ${KILLS} times gives the rows of an undisturbed one`, async () => {
  let pieces = 0;
  const rows = await survivesKills({
    script: new URL('./ingest-victim.fixture.ts', import.meta.url),
    kills: KILLS,
    together: TOGETHER,
    prepare: async (directory) => [directory, source.path],
    async result(directory) {
      const open = await lakeIn(directory);
      try {
        const rows = await rowsOf(open);
        pieces += 1;
        // The first of those that were killed.
        if (pieces === TOGETHER + 1) await upkeepKeepsRows(open);
        return rows;
      } finally {
        await open.close();
      }
    },
  });
  expect(rows.map(([table, n]) => [table, Number(n)])).toEqual([
    ['activations', SEEDS * 8 * 6],
    ['generations', SEEDS * 2 * 8],
    ['metrics', expect.any(Number)],
    ['predictions', SEEDS * 2 * 6],
    ['run_stores', SEEDS * 2],
    ['runs', SEEDS * 2],
    ['train_metrics', SEEDS * 2 * 2],
  ]);
});

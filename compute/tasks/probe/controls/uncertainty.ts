import type { LakeSnapshot } from '../../../../lake/engine/types.ts';
import type { Lake } from '../../../../lake/lake.ts';
import { TOKENS } from '../../../../lake/tables/tables.ts';
import { number, queryRows, text } from '../../query.ts';
import type { ProbeExample, SourceRunInfo } from '../examples.ts';

/** Scores that the model's own probabilities give, all "higher = more likely a hallucination". */
const SCORES = {
  mean_logprob: '-avg(logprob)',
  min_logprob: '-min(logprob)',
  first_logprob: '-arg_min(logprob, token_index)',
  // Over the recorded alternatives only, as HalluLens has it.
  mean_entropy: 'avg(list_sum(list_transform(top_logprobs, lambda p: -exp(p::DOUBLE) * p)))',
} as const;

/**
 * Uncertainty of the responses by their recorded log-probabilities.
 * @returns one array by the name of the score, for those that every example has
 */
export async function uncertainties(
  examples: readonly ProbeExample[],
  runs: readonly SourceRunInfo[],
  lake: Lake,
  snapshot: LakeSnapshot,
  signal: AbortSignal,
): Promise<Map<string, Float64Array>> {
  const names = Object.keys(SCORES);
  const stores = [...new Set(runs.flatMap((run) => run.stores.map(({ id }) => id)))];
  const rows = await queryRows(
    lake,
    snapshot,
    [{ table: TOKENS.name, prune: [{ column: 'run_id', in: runs.map(({ runId }) => runId) }] }],
    ([tokens]) => `
      SELECT store_id, activation_key, ${Object.entries(SCORES)
        .map(([name, sql]) => `${sql} AS ${name}`)
        .join(', ')}
      FROM ${tokens}
      WHERE segment = 'response' AND logprob IS NOT NULL AND store_id IN (SELECT unnest($1::VARCHAR[])) GROUP BY ALL`,
    { params: [stores], signal },
  );
  const known = new Map(rows.map((row) => [`${text(row['store_id'])}\n${text(row['activation_key'])}`, row]));
  const found = new Map(
    names.map((name) => [
      name,
      Float64Array.from(examples, ({ run, activationKey }) => {
        const row = run.stores
          .map(({ id }) => known.get(`${id}\n${activationKey}`))
          .find((one) => one !== undefined);
        return number(row?.[name]);
      }),
    ]),
  );
  return new Map([...found].filter(([, scores]) => !scores.some(Number.isNaN)));
}

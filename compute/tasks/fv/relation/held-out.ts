import { PythonRandom } from '../../python/random.ts';
import { derivedSeed } from '../random/derived-seed.ts';
import type { Trial } from '../trials/sample.ts';
import type { Pair, Relation } from './relation.ts';

/** Rows of a relation query that its trials are to leave alone. */
export function reservedRows(
  relation: Relation,
  qId: string,
  { seed, heldOut }: { readonly seed: number | bigint; readonly heldOut: number },
): ReadonlySet<number> {
  const rows = relation.queries.get(qId)?.map((_, row) => row) ?? [];
  const random = new PythonRandom(derivedSeed(String(seed), 'held out', qId));
  return new Set(random.sample(rows, Math.min(heldOut, rows.length)));
}

/**
 * The rows of a relation query that no trial used, neither as query nor as demonstration. A row with the input of a used
 * one is not among them: its prompt is the same.
 */
export function unusedRows(relation: Relation, qId: string, trials: readonly Trial[]): Pair[] {
  const used = new Set(trials.flatMap(({ query, demos }) => [query, ...demos].map(({ input }) => input)));
  return relation.queries.get(qId)?.filter(({ input }) => !used.has(input)) ?? [];
}

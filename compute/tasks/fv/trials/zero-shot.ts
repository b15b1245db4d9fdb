import { PythonRandom } from '../../python/random.ts';
import { zeroShotPrompt } from './prompts.ts';
import type { Trial } from './sample.ts';

/** A query without demonstrations. */
export interface ZeroShotExample {
  readonly qId: string;
  readonly input: string;
  readonly output: string;
  readonly prompt: string;
}

/**
 * The examples that vectors are evaluated on. The reference takes the queries of the trials, the ones that the vector was
 * extracted with. Of equal prompts the first one counts; they are shuffled within each relation query, then taken from one relation query after another until there are
 * `count` or no more.
 */
export function zeroShotExamples(
  queries: readonly Pick<Trial, 'qId' | 'query'>[],
  { seed, count }: { readonly seed: number | bigint; readonly count: number },
): ZeroShotExample[] {
  const pools = new Map<string, ZeroShotExample[]>();
  const seen = new Set<string>();
  for (const { qId, query } of queries) {
    const prompt = zeroShotPrompt(query.input);
    if (seen.has(prompt)) continue;
    seen.add(prompt);
    const pool = pools.get(qId) ?? [];
    pool.push({ qId, ...query, prompt });
    pools.set(qId, pool);
  }
  for (const [qId, pool] of pools) new PythonRandom(BigInt(seed) + BigInt(textSeed(qId))).shuffle(pool);
  const longest = Math.max(0, ...[...pools.values()].map((pool) => pool.length));
  const turns = Array.from({ length: longest }, (_, turn) =>
    [...pools.values()].flatMap((pool) => pool[turn] ?? []),
  );
  return turns.flat().slice(0, count);
}

/** A number of a text: the sum of its code points times their places from 1, modulo 2^31 - 1. */
function textSeed(text: string): number {
  let sum = 0;
  let place = 0;
  for (const char of text) sum = (sum + ++place * char.codePointAt(0)!) % 2147483647;
  return sum;
}

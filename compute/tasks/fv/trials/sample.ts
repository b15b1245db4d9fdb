import { PythonRandom } from '../../python/random.ts';
import { RelationError } from '../errors.ts';
import type { Pair, Relation } from '../relation/relation.ts';

/**
 * How the labels of demonstrations are made wrong. `shuffled`: the same labels in another order, as the contract has it.
 * `mixed`: each is one of another relation query, for models that do not look at which label belongs to which input.
 */
export const CORRUPTIONS = ['shuffled', 'mixed'] as const;
export type Corruption = (typeof CORRUPTIONS)[number];

/** A query with its demonstrations, and with their labels made wrong. */
export interface Trial {
  readonly qId: string;
  readonly query: Pair;
  /** Row of the query among those of `qId`. */
  readonly queryIndex: number;
  readonly demos: readonly Pair[];
  readonly demoIndices: readonly number[];
  /** The wrong labels, a demonstration each. Shuffling may leave some in their place. */
  readonly corrupted: readonly string[];
}

export interface SampleOptions {
  readonly seed: number | bigint;
  /** Trials of each relation query. */
  readonly trials: number;
  /** Demonstrations of each trial. */
  readonly demos: number;
  readonly corruption: Corruption;
  /** Rows of each relation query that are to be neither query nor demonstration. */
  readonly reserved?: ReadonlySet<number>;
}

/**
 * Draws trials with one generator for all relation queries. For one query after another and one trial after another it
 * draws the query, the order of the other rows (the first are the demonstrations) and the wrong labels; in the end
 * it shuffles all trials. With `shuffled` these are the reference implementation's draws, number by number.
 * @throws RelationError too few rows; `mixed` without labels of other queries
 */
export function sampleTrials(
  relation: Relation,
  qIds: readonly string[],
  { seed, trials, demos, corruption, reserved }: SampleOptions,
): Trial[] {
  const random = new PythonRandom(seed);
  const out: Trial[] = [];
  for (const qId of qIds) {
    const rows = relation.queries.get(qId) ?? [];
    const usable = rows.map((_, row) => row).filter((row) => reserved?.has(row) !== true);
    if (usable.length <= demos) {
      throw new RelationError(`the relation query ${qId} has ${usable.length} rows for trials`, {
        expected: `${demos + 1} for ${demos} demonstrations and a query`,
      });
    }
    const corrupt = corruption === 'mixed' ? mixing(relation, qId) : shuffled;
    for (let i = 0; i < trials; i++) {
      const queryIndex = usable[random.randrange(usable.length)]!;
      const others = usable.filter((row) => row !== queryIndex);
      random.shuffle(others);
      const demoIndices = others.slice(0, demos);
      const chosen = demoIndices.map((row) => rows[row]!);
      out.push({
        qId,
        query: rows[queryIndex]!,
        queryIndex,
        demos: chosen,
        demoIndices,
        corrupted: corrupt(
          random,
          chosen.map(({ output }) => output),
        ),
      });
    }
  }
  random.shuffle(out);
  return out;
}

/** The labels in another order; one more shuffle when nothing changed, and only one. */
function shuffled(random: PythonRandom, labels: readonly string[]): string[] {
  const out = [...labels];
  random.shuffle(out);
  if (out.every((label, i) => label === labels[i])) random.shuffle(out);
  return out;
}

/** For each label one of another relation query, which is drawn first; labels of this query are none. */
function mixing(relation: Relation, qId: string): typeof shuffled {
  const own = new Set(relation.queries.get(qId)?.map(({ output }) => output));
  const others = [...relation.queries]
    .filter(([other]) => other !== qId)
    .map(([, rows]) => rows.map(({ output }) => output).filter((output) => !own.has(output)))
    .filter((labels) => labels.length > 0);
  if (others.length === 0) {
    throw new RelationError(`no other relation query has labels that ${qId} has not`, {
      expected: 'a relation file of several relations for mixed labels',
      remedy: 'add rows of other relations, or use shuffled labels',
    });
  }
  return (random, labels) => labels.map(() => random.choice(random.choice(others)));
}

/** Demonstrations whose wrong label is their own. */
export function fixedPoints({ demos, corrupted }: Trial): number {
  return demos.filter(({ output }, i) => output === corrupted[i]).length;
}

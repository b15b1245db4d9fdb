import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { Random } from '../../stats/index.ts';
import { shuffle } from '../../stats/index.ts';

/** What a split may not tear apart and has to balance: one entry a row. */
export interface Grouped {
  /** Rows of equal group (the same prompt) stay together. */
  readonly groups: Int32Array;
  /** 1 for positive rows. */
  readonly labels: Uint8Array;
}

/** Which rows a probe learns from and which it is judged on. */
export interface Split {
  /** 1 for training rows. */
  readonly train: Uint8Array;
  /** 1 for test rows. */
  readonly test: Uint8Array;
  /** Inner fold of every training row, for choosing settings; 255 elsewhere. */
  readonly inner: Uint8Array;
}

export const NOT_IN_A_FOLD = 255;

/**
 * Deals rows out to parts of the given shares: groups stay together, and every part gets its share of both classes as nearly as whole
 * groups allow. Large groups go first; each goes where it leaves the classes most evenly filled.
 * @param rows 1 for the rows to deal out
 * @returns part of every row; `NOT_IN_A_FOLD` for the others
 */
export function deal(
  { groups, labels }: Grouped,
  rows: Uint8Array,
  shares: readonly number[],
  random: Random,
): Uint8Array {
  const members = new Map<number, { rows: number[]; positives: number }>();
  const totals = [0, 0];
  for (let row = 0; row < rows.length; row++) {
    if (rows[row] !== 1) continue;
    const group = members.get(groups[row]!) ?? { rows: [], positives: 0 };
    group.rows.push(row);
    group.positives += labels[row]!;
    totals[labels[row]!]!++;
    members.set(groups[row]!, group);
  }
  const parts = new Uint8Array(rows.length).fill(NOT_IN_A_FOLD);
  const counts = shares.map(() => [0, 0]);
  const order = shuffle([...members.values()], random).sort((a, b) => b.rows.length - a.rows.length);
  for (const { rows: own, positives } of order) {
    const added = [own.length - positives, positives];
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    shares.forEach((share, part) => {
      // By how much the sum of squared fillings grows.
      let cost = 0;
      for (const label of [0, 1]) {
        const filled = counts[part]![label]!;
        const more = added[label]!;
        if (more > 0) cost += ((2 * filled + more) * more) / (share * totals[label]! ** 2);
      }
      if (cost >= least) return;
      least = cost;
      best = part;
    });
    for (const row of own) parts[row] = best;
    counts[best]![0]! += added[0]!;
    counts[best]![1]! += added[1]!;
  }
  return parts;
}

/** Parts of equal size. */
export function folds(grouped: Grouped, rows: Uint8Array, count: number, random: Random): Uint8Array {
  return deal(grouped, rows, Array<number>(count).fill(1 / count), random);
}

/** The rows for which a condition holds, as 1 and 0. */
export function mask(length: number, holds: (row: number) => boolean): Uint8Array {
  return Uint8Array.from({ length }, (_, row) => (holds(row) ? 1 : 0));
}

/** Numbers of the rows that a mask has. */
export function rowsOf(mask: Uint8Array): number[] {
  const rows: number[] = [];
  for (let row = 0; row < mask.length; row++) if (mask[row] === 1) rows.push(row);
  return rows;
}

/** Scores of all rows, put together from those of the test rows of every split; NaN for rows that no split tests. */
export function assembleScores(
  rows: number,
  splits: readonly Split[],
  scoresOf: (split: number) => readonly number[],
): Float64Array {
  const all = new Float64Array(rows).fill(Number.NaN);
  splits.forEach(({ test }, split) => {
    const scores = scoresOf(split);
    rowsOf(test).forEach((row, i) => {
      all[row] = scores[i]!;
    });
  });
  return all;
}

/** The labels with those of some rows dealt out among them at random. */
export function shuffledLabels(labels: Uint8Array, among: Uint8Array, random: Random): Uint8Array {
  const rows = rowsOf(among);
  const order = shuffle([...rows], random);
  const shuffled = Uint8Array.from(labels);
  rows.forEach((row, i) => {
    shuffled[row] = labels[order[i]!]!;
  });
  return shuffled;
}

/** @throws InvalidArgumentError unless the rows to fit on are of both classes */
export function requireClasses(rows: Iterable<number>, labels: Uint8Array): void {
  let seen = 0;
  for (const row of rows) seen |= labels[row] === 1 ? 2 : 1;
  if (seen !== 3)
    throw new InvalidArgumentError('a probe has rows of one class only', {
      expected: 'positive and negative rows to fit on',
    });
}

/** One test set of a share of the groups, or a fold after the other as test set. */
export type Protocol =
  | { readonly kind: 'holdout'; readonly testShare: number }
  | { readonly kind: 'cross_validation'; readonly folds: number }
  | { readonly kind: 'given'; readonly test: Uint8Array };

/** The splits of a protocol. With a given test set, rows whose group is in it are not trained on. */
export function splitsOf(grouped: Grouped, protocol: Protocol, innerFolds: number, random: Random): Split[] {
  const { groups } = grouped;
  const all = new Uint8Array(groups.length).fill(1);
  return testSets(grouped, protocol, all, random).map((test) => {
    const tested = new Set<number>();
    for (let row = 0; row < test.length; row++) if (test[row] === 1) tested.add(groups[row]!);
    const train = mask(test.length, (row) => !tested.has(groups[row]!));
    return { train, test, inner: folds(grouped, train, innerFolds, random) };
  });
}

function testSets(grouped: Grouped, protocol: Protocol, all: Uint8Array, random: Random): Uint8Array[] {
  if (protocol.kind === 'given') return [protocol.test];
  if (protocol.kind === 'holdout') {
    const { testShare } = protocol;
    const parts = deal(grouped, all, [1 - testShare, testShare], random);
    return [mask(parts.length, (row) => parts[row] === 1)];
  }
  const parts = folds(grouped, all, protocol.folds, random);
  return Array.from({ length: protocol.folds }, (_, fold) =>
    mask(parts.length, (row) => parts[row] === fold),
  );
}

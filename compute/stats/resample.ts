import type { Random } from './random.ts';

/** What is drawn with replacement: units of rows, drawn within strata of units. */
export interface Strata {
  readonly rows: number;
  readonly strata: readonly Stratum[];
}

interface Stratum {
  /** Rows of all units, one unit after the other. */
  readonly rows: Int32Array;
  /** Where unit u begins; one more than there are units. */
  readonly starts: Int32Array;
}

/** Positives and negatives apart: every resample has as many of each as the sample. */
export function byLabel(labels: ArrayLike<number>): Strata {
  const strata = [1, 0].map((label) => {
    const rows: number[] = [];
    for (let i = 0; i < labels.length; i++) if ((labels[i] === 1 ? 1 : 0) === label) rows.push(i);
    return {
      rows: Int32Array.from(rows),
      starts: Int32Array.from({ length: rows.length + 1 }, (_, unit) => unit),
    };
  });
  return { rows: labels.length, strata };
}

/** Whole clusters, e.g. all samples of a prompt, whose rows are not independent. Labels may vary within one. */
export function byCluster(clusters: ArrayLike<number>): Strata {
  const members = new Map<number, number[]>();
  for (let i = 0; i < clusters.length; i++) {
    const known = members.get(clusters[i]!);
    if (known === undefined) members.set(clusters[i]!, [i]);
    else known.push(i);
  }
  const units = [...members.values()];
  const starts = new Int32Array(units.length + 1);
  for (const [unit, rows] of units.entries()) starts[unit + 1] = starts[unit]! + rows.length;
  return { rows: clusters.length, strata: [{ rows: Int32Array.from(units.flat()), starts }] };
}

/** Draws a resample: `weights[i]` becomes the number of times that row i is in it. */
export function resample({ strata }: Strata, random: Random, weights: Uint32Array): void {
  weights.fill(0);
  for (const { rows, starts } of strata) {
    const units = starts.length - 1;
    for (let draw = 0; draw < units; draw++) {
      const unit = random.below(units);
      const end = starts[unit + 1]!;
      for (let at = starts[unit]!; at < end; at++) weights[rows[at]!]!++;
    }
  }
}

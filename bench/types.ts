import type { Spread } from './measure.ts';

/** One line of the result: ours against the reference, and what was aimed at. */
export interface Outcome {
  readonly what: string;
  readonly unit: string;
  readonly ours: Spread;
  /** Absent where the target is absolute. */
  readonly reference?: Spread;
  /** Name of the reference. */
  readonly against?: string;
  /** What is compared with the target: a ratio, or `ours` itself. */
  readonly value: number;
  readonly target?: { readonly relation: '<=' | '>=' | '<'; readonly value: number };
  readonly note?: string;
}

export interface BenchContext {
  /** Smaller sizes: minutes become seconds, numbers become rough. */
  readonly quick: boolean;
  /** The sizes of the budget where the default is smaller. */
  readonly full: boolean;
  readonly repetitions: number;
  /** Threads of every engine on both sides. */
  readonly threads: number;
  /** Directory for inputs and lakes; emptied at the end unless kept. */
  readonly scratch: string;
  readonly log: (line: string) => void;
}

/** One row of the table of budgets. */
export interface Bench {
  readonly name: string;
  readonly doc: string;
  readonly run: (context: BenchContext) => Promise<readonly Outcome[]>;
}

export function verdict({ value, target }: Outcome): 'met' | 'missed' | 'info' {
  if (target === undefined) return 'info';
  const { relation, value: limit } = target;
  const met = relation === '<=' ? value <= limit : relation === '<' ? value < limit : value >= limit;
  return met ? 'met' : 'missed';
}

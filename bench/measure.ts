/** Median and range of repeated measurements. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly samples: readonly number[];
}

export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN, samples };
}

/** Something that is measured: it does the work once and gives its own seconds. */
export type Measured = () => Promise<number>;

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** CPU seconds of this process, all threads, that `work` takes; waiting for a busy machine does not count. */
export async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

/** Seconds as milliseconds. */
export function milliseconds({ median, min, max, samples }: Spread): Spread {
  return { median: median * 1000, min: min * 1000, max: max * 1000, samples: samples.map((s) => s * 1000) };
}

/** Work a second, for work that took these seconds. */
export function rates({ median, min, max, samples }: Spread, work: number): Spread {
  return { median: work / median, min: work / max, max: work / min, samples: samples.map((s) => work / s) };
}

/**
 * Runs contestants in turn, `repetitions` times each after `warmups` that do not count. A machine that slows down in
 * between slows all of them; the order is reversed every other round, so that nobody always goes first.
 */
export async function interleave<Name extends string>(
  contestants: Readonly<Record<Name, Measured>>,
  options: { readonly repetitions: number; readonly warmups?: number },
): Promise<Record<Name, Spread>> {
  const names = Object.keys(contestants) as Name[];
  const samples = new Map<Name, number[]>(names.map((name) => [name, []]));
  const warmups = options.warmups ?? 1;
  for (let round = 0; round < warmups + options.repetitions; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const took = await contestants[name]();
      if (round >= warmups) samples.get(name)?.push(took);
    }
  }
  return Object.fromEntries(names.map((name) => [name, spread(samples.get(name) ?? [])])) as Record<
    Name,
    Spread
  >;
}

import { type Measured, type Spread, spread } from './measure.ts';
import { cpuSecondsOf } from './processes.ts';
import type { Outcome } from './types.ts';

/** Work done here and in another process, with the CPU seconds of both and what came out of it. */
export class Contestant<T> {
  readonly cpu: number[] = [];
  result: T | undefined;
  readonly run: Measured;

  constructor(pid: () => number | undefined, work: () => Promise<T>) {
    this.run = async () => {
      const total = async () => (await cpuSecondsOf(pid())) + (await cpuSecondsOf(process.pid));
      const [started, cpu] = [performance.now(), await total()];
      this.result = await work();
      const took = (performance.now() - started) / 1000;
      this.cpu.push((await total()) - cpu);
      return took;
    };
  }

  /** The median, without the warm-up. */
  get cpuSeconds(): number {
    return spread(this.cpu.slice(1)).median;
  }
}

export interface Comparison {
  readonly against: string;
  /** CPU seconds of both. */
  readonly cpu: readonly [ours: number, reference: number];
  readonly target?: number;
}

/** An outcome in seconds whose value is how many times as long the reference takes. */
export function ratio(
  what: string,
  ours: Spread,
  reference: Spread,
  { against, cpu, target }: Comparison,
): Outcome {
  return {
    what,
    unit: 's',
    ours,
    reference,
    against,
    value: reference.median / ours.median,
    note: `${cpu[0].toFixed(2)} against ${cpu[1].toFixed(2)} CPU seconds, ${(cpu[1] / cpu[0]).toFixed(1)}x`,
    ...(target === undefined ? {} : { target: { relation: '>=', value: target } }),
  };
}

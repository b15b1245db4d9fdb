import type { JobProgress } from './job.ts';

/** What a task says about how far it is. */
export interface ProgressUpdate {
  readonly stage: string;
  /** Stages of one series are counted together: the rate and the end are those of all of them. Default: the stage alone. */
  readonly series?: string;
  readonly done: number;
  readonly total?: number;
  /** What is counted for the rate, when it is not `done` itself: its name and the count so far, e.g. tokens. */
  readonly counter?: { readonly unit: string; readonly count: number };
}

const WINDOW_MS = 30_000;

interface Sample {
  readonly at: number;
  readonly done: number;
  readonly count: number;
}

/** Turns counts into a rate over the last half minute and an estimated end; a new series starts anew. */
export class Meter {
  #series: string | undefined;
  #samples: Sample[] = [];

  update(
    { stage, series = stage, done, total, counter }: ProgressUpdate,
    now: number = Date.now(),
  ): JobProgress {
    if (series !== this.#series) {
      this.#series = series;
      this.#samples = [];
    }
    const last = { at: now, done, count: counter?.count ?? done };
    this.#samples.push(last);
    while (this.#samples.length > 2 && this.#samples[1]!.at < now - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    const seconds = (last.at - first.at) / 1000;
    const perSecond = (gained: number): number | null =>
      seconds > 0 && gained > 0 ? gained / seconds : null;
    const pace = perSecond(last.done - first.done);
    return {
      stage,
      done,
      total: total ?? null,
      unit: counter?.unit ?? null,
      rate: perSecond(last.count - first.count),
      eta: total === undefined || pace === null ? null : Math.round(now + ((total - done) / pace) * 1000),
    };
  }
}

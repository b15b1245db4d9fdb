import type { ProgressUpdate } from '../../jobs/meter.ts';

interface Counted {
  /** Before anything was counted. */
  readonly expected: number;
  readonly stages: Map<string, { readonly done: number; readonly total: number }>;
  finished: boolean;
}

/**
 * How far a job is over all of its relation queries, so that its end can be estimated from the first one on. What is counted are readings
 * of the answer's token: one a head and trial, one a layer and example. Those of later stages become known on the way; queries
 * that are still to come are taken to need as much more than expected as the finished ones did.
 */
export class QueryProgress {
  readonly #tell: (update: ProgressUpdate) => void;
  readonly #queries: ReadonlyMap<string, Counted>;

  /** @param expected readings by relation query, in the order in which they are done */
  constructor(expected: ReadonlyMap<string, number>, tell: (update: ProgressUpdate) => void) {
    this.#tell = tell;
    this.#queries = new Map(
      [...expected].map(([qId, count]) => [qId, { expected: count, stages: new Map(), finished: false }]),
    );
  }

  /** What the stages of a relation query tell their progress to. */
  of(qId: string): (update: ProgressUpdate) => void {
    const query = this.#queries.get(qId)!;
    const place = [...this.#queries.keys()].indexOf(qId) + 1;
    const name = this.#queries.size === 1 ? qId : `${qId} (${place} of ${this.#queries.size})`;
    return ({ stage, done, total }) => {
      if (total !== undefined) query.stages.set(stage, { done, total });
      const count = total === undefined ? '' : ` ${done} of ${total}`;
      this.#tell({ stage: `${name}: ${stage}${count}`, ...this.#sum() });
    };
  }

  /** A relation query is done with, however it ended. */
  finish(qId: string): void {
    this.#queries.get(qId)!.finished = true;
  }

  #sum(): Omit<ProgressUpdate, 'stage'> {
    const queries = [...this.#queries.values()].map((query) => ({ ...query, ...counted(query) }));
    const ended = queries.filter(({ finished, done, expected }) => finished && done > 0 && expected > 0);
    const sum = (of: typeof queries, value: (query: (typeof queries)[number]) => number) =>
      of.reduce((total, query) => total + value(query), 0);
    const factor = ended.length === 0 ? 1 : sum(ended, (q) => q.done) / sum(ended, (q) => q.expected);
    const done = sum(queries, (query) => query.done);
    const total = sum(queries, (query) =>
      query.finished ? query.done : Math.max(query.total, Math.round(query.expected * factor)),
    );
    return { series: 'relation queries', done, total, counter: { unit: 'readings', count: done } };
  }
}

function counted({ stages }: Counted): { done: number; total: number } {
  const all = [...stages.values()];
  return {
    done: all.reduce((sum, { done }) => sum + done, 0),
    total: all.reduce((sum, { total }) => sum + total, 0),
  };
}

import type { ChildProcess } from 'node:child_process';
import { z } from 'zod';
import { type WorkCounts, type WorkMetrics, workCounts } from './metrics/work-metrics.ts';

/** What the worker of a server is asked over the channel between the two, and what it answers. */
const question = z.object({ ask: z.literal('counts') });
const answer = z.object({ counts: workCounts });

/** A worker whose thread is busy answers later than a scrape can wait. */
const PATIENCE_MS = 1_000;

/** In the worker: tells the server that started it what has been counted, whenever it asks. */
export function answerParent(metrics: Pick<WorkMetrics, 'counts'>): void {
  if (process.send === undefined) return;
  process.on('message', (message) => {
    if (!question.safeParse(message).success) return;
    void metrics.counts().then((counts) => process.send?.({ counts }));
  });
  // Listening alone is no reason to stay.
  process.channel?.unref();
}

/** In the server: what a worker has counted; undefined for one that does not answer. */
export async function askForCounts(
  child: ChildProcess,
  patienceMs = PATIENCE_MS,
): Promise<WorkCounts | undefined> {
  if (!child.connected) return undefined;
  return new Promise((resolve) => {
    const done = (counts: WorkCounts | undefined): void => {
      clearTimeout(timer);
      child.off('message', listen);
      resolve(counts);
    };
    const listen = (message: unknown): void => {
      const parsed = answer.safeParse(message);
      if (parsed.success) done(parsed.data.counts);
    };
    const timer = setTimeout(done, patienceMs, undefined);
    child.on('message', listen);
    child.send({ ask: 'counts' }, (error) => {
      if (error !== null) done(undefined);
    });
  });
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';
import type { Reading, TrialSweep } from './sweep/readings.ts';

/** Probability, logit, log-probability and the most probable token. */
const readingSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const schema = z.object({
  fingerprint: z.string(),
  /** Of the readings, so that damage which leaves numbers is noticed. */
  digest: z.string(),
  readings: z.array(readingSchema),
});

/** A hash of everything that a result depends on. @param parts JSON values */
export function fingerprintOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * What is known of the prompts of one stage: a small file each, replaced whole, with the fingerprint of what it was computed
 * from. A file with another fingerprint, or one that is damaged, counts as none.
 */
export class Checkpoints {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #fingerprint: string;
  readonly #signal: AbortSignal;

  constructor(store: ObjectStore, prefix: string, fingerprint: string, signal: AbortSignal) {
    this.#store = store;
    this.#prefix = prefix;
    this.#fingerprint = fingerprint;
    this.#signal = signal;
  }

  async read(index: number): Promise<TrialSweep | undefined> {
    try {
      const bytes = await this.#store.get(this.#key(index), { signal: this.#signal });
      const parsed = schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
      if (!parsed.success) return undefined;
      const { fingerprint, digest, readings } = parsed.data;
      if (fingerprint !== this.#fingerprint || digest !== fingerprintOf(readings)) return undefined;
      const [base, ...patched] = readings.map(readingOf);
      return base === undefined ? undefined : { base, patched };
    } catch (error) {
      if (error instanceof ObjectNotFoundError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async write(index: number, { base, patched }: TrialSweep): Promise<void> {
    const readings = [base, ...patched].map(({ p, logit, logprob, best }) => [p, logit, logprob, best]);
    const text = JSON.stringify({
      fingerprint: this.#fingerprint,
      digest: fingerprintOf(readings),
      readings,
    });
    await this.#store.put(this.#key(index), Buffer.from(text), { signal: this.#signal });
  }

  #key(index: number): string {
    return `${this.#prefix}/${index}.json`;
  }
}

function readingOf([p, logit, logprob, best]: z.infer<typeof readingSchema>): Reading {
  return { p, logit, logprob, best };
}

import { z } from 'zod';

/** One time that a model was asked. */
export interface Attempt {
  /** What it said; undefined where the run kept a later answer only. */
  readonly text: string | null | undefined;
  /** VALID_TRUE, VALID_FALSE or INVALID. */
  readonly outcome: string | null;
  /** How the parser came to that, where recorded. */
  readonly reason?: string | undefined;
  readonly confidence?: number | undefined;
}

const recorded = z.object({
  retry_pred_text: z.string().nullish(),
  retry_outcome: z.string().nullish(),
  meta: z.object({ parse_reason: z.string().nullish(), parse_confidence: z.number().nullish() }).nullish(),
});

/**
 * The attempts behind an answer of ChaosBench. An unreadable answer is asked for once more; when the second one is
 * readable it takes the place of the first, whose text is lost.
 */
export function attemptsOf(answer: {
  readonly response: string | null;
  readonly outcome: string | null;
  readonly extra: unknown;
}): readonly Attempt[] {
  const parsed = recorded.safeParse(answer.extra);
  const { meta, retry_outcome: again, retry_pred_text: second } = parsed.success ? parsed.data : {};
  const kept: Attempt = {
    text: answer.response,
    outcome: answer.outcome,
    reason: meta?.parse_reason ?? undefined,
    confidence: meta?.parse_confidence ?? undefined,
  };
  if (again === null || again === undefined) return [kept];
  return again === 'INVALID'
    ? [kept, { text: second, outcome: again }]
    : [{ text: undefined, outcome: 'INVALID' }, kept];
}

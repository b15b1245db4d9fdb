import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** The folder of the demo model, with a trailing slash. */
export const demoModel: string = fileURLToPath(new URL('../../models/demo/', import.meta.url));

const referenceSchema = z.object({
  hallucination: z.object({
    answers: z.array(z.object({ q_id: z.string(), greedy: z.string(), correct: z.boolean() })),
    correct_share: z.number(),
    known_facts_correct: z.number(),
    unknown_facts_correct: z.number(),
    unknown_facts_abstained: z.number(),
    nonsense_trained_abstained: z.number(),
    nonsense_untrained_abstained: z.number(),
    auroc_first_token_probability_all: z.number(),
    auroc_first_token_probability_facts: z.number(),
  }),
  logits: z.array(
    z.object({
      prompt: z.string(),
      token_ids: z.array(z.int()),
      last_token_logits: z.array(z.number()),
    }),
  ),
});
export type DemoReference = z.infer<typeof referenceSchema>;

/** What transformers says of the demo model, as far as it is compared. */
export function demoReference(): DemoReference {
  return referenceSchema.parse(JSON.parse(readFileSync(`${demoModel}reference.json`, 'utf8')));
}

import { z } from 'zod';
import type { Issue } from '../family.ts';
import type { JsonObject } from './json-value.ts';
import { schemaIssues } from './schema-issues.ts';

/**
 * Member `model_check` of what Runlake's own jobs write: whether the models that computed it had passed the engine's
 * self-checks. `unverified` is a model that nobody could check; `reason` says why.
 */
export const modelCheckSchema = z.object({
  verdict: z.enum(['passed', 'failed', 'unverified']),
  failed_checks: z.array(z.string()),
  reason: z.string().nullable(),
});

export type ModelCheck = z.infer<typeof modelCheckSchema>;

const MEMBER = 'model_check';

/** What is to be known of a document's `model_check`; nothing where there is none or it passed. */
export function modelCheckIssues(document: JsonObject | undefined, file: string): Issue[] {
  const found = document?.[MEMBER];
  if (found === undefined) return [];
  const place = { severity: 'warning', file, pointer: `/${MEMBER}` } as const;
  const parsed = modelCheckSchema.safeParse(found);
  if (!parsed.success)
    return schemaIssues(modelCheckSchema, found, { file }, 'warning').map((issue) => ({
      ...issue,
      pointer: `/${MEMBER}${issue.pointer ?? ''}`,
    }));
  const { verdict, failed_checks, reason } = parsed.data;
  switch (verdict) {
    case 'passed':
      return [];
    case 'failed': {
      const message = `the model did not pass its self-checks: ${failed_checks.join(', ')}; its numbers are not to be relied on`;
      return [{ ...place, code: 'MODEL_CHECK_FAILED', message }];
    }
    case 'unverified': {
      const message = `nobody knows whether the model computes consistently on this machine: ${reason ?? 'it was not checked'}`;
      return [{ ...place, code: 'MODEL_UNVERIFIED', message }];
    }
  }
}

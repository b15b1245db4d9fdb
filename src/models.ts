import { listVerdicts } from '../compute/model/verdicts.ts';
import type { Models } from '../graphql/context.ts';
import type { Lake } from '../lake/lake.ts';

/** What the query `models` shows. */
export function modelsOf({ store }: Pick<Lake, 'store'>): Models {
  return { verdicts: ({ signal }) => listVerdicts(store, signal) };
}

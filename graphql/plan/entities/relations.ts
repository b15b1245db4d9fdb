import type { Relationship } from './entity.ts';

export const BY_RUN = [['run_id', 'run_id']] as const;
export const BY_EXAMPLE = [
  ['run_id', 'run_id'],
  ['example_id', 'example_id'],
] as const;
export const TO_STORE = { from: 'run_id', to: 'store_id' } as const;
export const TO_RUN = { from: 'store_id', to: 'run_id' } as const;
/** Small tables: a run's whole list is what people expect. */
export const WHOLE = 1000;

export const run: Relationship = { kind: 'one', target: 'Run', on: BY_RUN, doc: 'The run it belongs to.' };

import type { Family } from '../family.ts';
import { CHAOSBENCH } from './chaosbench/index.ts';
import { ENTROPY } from './entropy/index.ts';
import { FV } from './fv/index.ts';
import { HALLULENS } from './hallulens/index.ts';
import { LM_EVAL } from './lm-eval/index.ts';

/** Every family of artifacts that can be ingested. A new one is added here and nowhere else. */
export const FAMILIES: readonly Family[] = [HALLULENS, ENTROPY, CHAOSBENCH, FV, LM_EVAL];

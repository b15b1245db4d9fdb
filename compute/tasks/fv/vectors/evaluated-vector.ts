import type { VectorKind } from '../../../../ingest/contracts/fv/additions.ts';
import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';

/** A vector that is evaluated, with where it comes from. */
export interface EvaluatedVector {
  readonly kind: VectorKind;
  /** Which draw, from 0; null where nothing was drawn. */
  readonly draw: number | null;
  /** The relation query whose prompts gave the means; null where it was not made of heads. */
  readonly sourceQId: string | null;
  readonly heads: readonly HeadPlace[];
  readonly values: Float32Array;
}

import type { FloatTensor } from './session.ts';

/** Which heads of a row are replaced, from which of the batch's head tables. */
export interface HeadReplacement {
  /** Index into `Batch.headTables`. */
  readonly table: number;
  readonly heads: readonly { readonly layer: number; readonly head: number }[];
}

/** What is added to a row's residual stream, from which of the batch's residual tables. */
export interface ResidualAddition {
  /** Index into `Batch.residualTables`. */
  readonly table: number;
  /** `point` 0 is after the embedding, l + 1 after block l; the table's vector of that point is added `scale` times. */
  readonly points: readonly { readonly point: number; readonly scale: number }[];
}

/** One sequence of a batch and what is done to it. */
export interface Row {
  /** The tokens of this run, at least one; they follow the prefix and the row's own earlier tokens. */
  readonly tokens: readonly number[];
  /**
   * Begins at a point of the residual stream (1 to L) as a copy of a row that is there before, with the same tokens: what the two
   * have in common is computed once. Such batches give what comes after the last block only.
   */
  readonly from?: { readonly row: number; readonly point: number };
  readonly replace?: HeadReplacement;
  readonly add?: ResidualAddition;
  /** Positions (of `tokens`) that `replace` and `add` apply to. Default: the last. */
  readonly editAt?: readonly number[] | 'all';
  /** Tokens whose logit and log-probability after the positions read are asked for; rows of a batch ask for equally many. */
  readonly targets?: readonly number[];
}

/** Which values of a run are wanted. Positions and layers that are not asked for are not copied. */
export interface Capture {
  /** Points of the residual stream: 0 after the embedding, l + 1 after block l. */
  readonly residual?: readonly number[];
  /** Layers whose head outputs (inputs of the attention's output projection) are wanted. */
  readonly heads?: readonly number[];
  /** The last residual after the final norm; what transformers calls the last hidden state. */
  readonly final?: boolean;
  /** For `residual`, `heads` and `final`. Default `last`. */
  readonly positions?: 'last' | 'all';
  readonly logits?: boolean;
  /** The most probable token. */
  readonly best?: boolean;
  /** Positions at which the next token is read. Default `last`. */
  readonly read?: 'last' | 'all';
}

/** Rows that run together, with any mixture of interventions; behind several prefixes the rows of each stand together. */
export interface Batch {
  readonly rows: readonly Row[];
  /** Each `[L, H, d]`: a value for every head. */
  readonly headTables?: readonly Float32Array[];
  /** Each `[L + 1, D]`: a vector for every point of the residual stream. */
  readonly residualTables?: readonly Float32Array[];
  readonly capture: Capture;
}

/**
 * What a batch gave, in its order of rows. With `positions: 'all'` the second dimension is the longest row's length and
 * what lies behind a shorter row's end is padding without meaning; with `last` there is no second dimension.
 */
export interface BatchResult {
  /** By point: `[B, S, D]` or `[B, D]`. */
  readonly residual: ReadonlyMap<number, FloatTensor>;
  /** By layer: `[B, S, H, d]` or `[B, H, d]`. */
  readonly heads: ReadonlyMap<number, FloatTensor>;
  /** `[B, S, D]` or `[B, D]`. */
  readonly final?: FloatTensor;
  /** `[B, S, V]` or `[B, V]`. */
  readonly logits?: FloatTensor;
  /** `[B, S, T]` or `[B, T]`: of the rows' targets. */
  readonly targetLogits?: FloatTensor;
  readonly logProbabilities?: FloatTensor;
  /** `[B, S]` or `[B]`: the lowest of the most probable tokens. */
  readonly best?: FloatTensor;
}

/**
 * Names, types and shapes of the unified graph's inputs and outputs. `L` blocks, `H` query heads of size `d`, `K` key-value
 * heads, `D` hidden size, `V` vocabulary. Known at run time only: `B` rows, `S` tokens of a row in this run (shorter rows are
 * padded at the end), `P` tokens of the shared prefix, `O` tokens a row has of its own from earlier runs (padded likewise),
 * `Q` positions to read, `T` targets a position, `M` and `N` entries in the value tables. P, O, Q and T may be zero.
 */
export const inputNames = {
  /** int64 [B, S] */
  tokens: 'input_ids',
  /** float32 [K, P, d], one of each a block: keys and values that all rows share and stand before everything else. */
  prefixKeys: (layer: number) => `prefix_keys.${layer}`,
  prefixValues: (layer: number) => `prefix_values.${layer}`,
  /** float32 [K, B, O, d]: keys and values of a row's own earlier tokens. */
  pastKeys: (layer: number) => `past_keys.${layer}`,
  pastValues: (layer: number) => `past_values.${layer}`,
  /** int64 [B]: how many of `O` are the row's; the others are padding. */
  pastLengths: 'past_lengths',
  /** bool [B, S]: where the interventions of a row apply. */
  editPositions: 'edit_positions',
  /** float32 [M, L, H, d]: tables of head outputs; int64 [B]: which table a row uses; bool [B, L, H]: which heads it replaces. */
  headTables: 'head_tables',
  headTable: 'head_table',
  headMask: 'head_mask',
  /** float32 [N, L + 1, D]: tables of vectors; int64 [B]: which table; float32 [B, L + 1]: factor, 0 adds nothing. */
  residualTables: 'residual_tables',
  residualTable: 'residual_table',
  residualScale: 'residual_scale',
  /** int64 [B, Q]: positions (of S) whose next token is predicted. */
  readPositions: 'read_positions',
  /** int64 [B, Q, T]: tokens whose log-probability is asked for. */
  targets: 'target_ids',
} as const;

export const outputNames = {
  /** float32 [B, S, D]: the residual stream, 0 after the embedding, l + 1 after block l, additions included. */
  residual: (index: number) => `residual.${index}`,
  /** float32 [B, S, H, d]: input of the attention's output projection, replacements included. */
  heads: (layer: number) => `heads.${layer}`,
  /** float32 [K, B, S, d]: keys (rotated) and values of these tokens. */
  keys: (layer: number) => `keys.${layer}`,
  values: (layer: number) => `values.${layer}`,
  /** float32 [B, S, D]: the last residual after the final norm. */
  final: 'final',
  /** float32 [B, Q, V] */
  logits: 'logits',
  /** float32 [B, Q, T] */
  logProbabilities: 'log_probabilities',
} as const;

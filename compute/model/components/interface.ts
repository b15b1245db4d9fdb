/**
 * Names, types and shapes of the unified graph's inputs and outputs. `L` blocks, `H` query heads of size `d`, `K` key-value
 * heads, `D` hidden size, `V` vocabulary. Known at run time only: `S` tokens of a row in this run (shorter rows are
 * padded at the end), `N` prefixes of `P` tokens (padded likewise), `O` tokens a row has of its own from earlier runs (padded
 * likewise), `Q` positions to read, `T` targets a position, `M` and `A` entries in the value tables. P, O, Q and T may be zero.
 *
 * Rows may become more on their way: `B0` rows have tokens; at every later point of the residual stream rows may be added
 * that take over the stream of one that is there, so that a block runs `Bl` of them (`BL` reach the end). At each point the
 * rows of one prefix stand together, equally many a prefix, in the order of the prefixes. `ΣB` is the sum over the points.
 */
export const inputNames = {
  /** int64 [B0, S] */
  tokens: 'input_ids',
  /** int64 [L + 1]: rows at each point. */
  rowCounts: 'row_counts',
  /** int64 [ΣB]: for each row of each point the row of the point before that it goes on from; of point 0, itself. */
  rowSources: 'row_sources',
  /** int64 [ΣB]: for each row of each point the row of point 0 whose tokens it carries. */
  rowOrigins: 'row_origins',
  /** float32 [K, N, P, d], one of each a block: keys and values that rows share and stand before everything else. */
  prefixKeys: (layer: number) => `prefix_keys.${layer}`,
  prefixValues: (layer: number) => `prefix_values.${layer}`,
  /** int64 [B0]: how many of `P` are of the row's prefix; the others are padding. */
  prefixLengths: 'prefix_lengths',
  /** float32 [K, Bl, O, d]: keys and values of a row's own earlier tokens. */
  pastKeys: (layer: number) => `past_keys.${layer}`,
  pastValues: (layer: number) => `past_values.${layer}`,
  /** int64 [B0]: how many of `O` are the row's; the others are padding. */
  pastLengths: 'past_lengths',
  /** bool [ΣB, S]: where the interventions of a row apply. */
  editPositions: 'edit_positions',
  /** float32 [M, L, H, d]: tables of head outputs; int64 [ΣB]: which table; bool [ΣB, H]: which heads of the next block are replaced. */
  headTables: 'head_tables',
  headTable: 'head_table',
  headMask: 'head_mask',
  /** float32 [A, L + 1, D]: tables of vectors; int64 [ΣB]: which table; float32 [ΣB]: factor, 0 adds nothing. */
  residualTables: 'residual_tables',
  residualTable: 'residual_table',
  residualScale: 'residual_scale',
  /** int64 [BL, Q]: positions (of S) whose next token is predicted. */
  readPositions: 'read_positions',
  /** int64 [BL · Q, T]: tokens whose logit and log-probability are asked for. */
  targets: 'target_ids',
} as const;

export const outputNames = {
  /** float32 [Bl · S, D]: the residual stream, 0 after the embedding, l + 1 after block l, additions included. */
  residual: (index: number) => `residual.${index}`,
  /** float32 [Bl, S, H, d]: input of the attention's output projection, replacements included. */
  heads: (layer: number) => `heads.${layer}`,
  /** float32 [K, Bl, S, d]: keys (rotated) and values of these tokens. */
  keys: (layer: number) => `keys.${layer}`,
  values: (layer: number) => `values.${layer}`,
  /** float32 [BL · S, D]: the last residual after the final norm. */
  final: 'final',
  /** float32 [BL · Q, V] */
  logits: 'logits',
  /** float32 [BL · Q, T] */
  targetLogits: 'target_logits',
  logProbabilities: 'log_probabilities',
  /** float32 [BL · Q]: the token of the greatest logit, the lowest of equals. */
  best: 'best',
} as const;

/** Name of the number of rows at a point in declared shapes. ONNX Runtime reuses buffers of shapes that are named alike. */
export function rowsAt(point: number): string {
  return `B${point}`;
}

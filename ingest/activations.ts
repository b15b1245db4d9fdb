import {
  type Floats,
  floatCount,
  joinFloats,
  sliceFloats,
  toFloat32,
} from '../lake/parquet/floats/floats.ts';
import type { VectorBatch } from '../lake/parquet/vectors/batch.ts';
import type {
  ActivationOptions,
  LayerValues,
  SiteVectors,
  StoreEntry,
  StoreEntryInfo,
  TokenSelection,
} from './family.ts';

/** Layers of an entry are put together up to about this many values: small batches cost more than they hold. */
const BATCH_VALUES = 1 << 20;

const UNKNOWN = 0;
const PROMPT = 1;
const RESPONSE = 2;

/** The rows of `activations` of one entry, a batch of layers at a time. At most one batch is held. */
export async function* activationRows(
  entry: StoreEntry,
  options: ActivationOptions,
  signal?: AbortSignal,
): AsyncGenerator<VectorBatch> {
  for (const vectors of [entry, ...(entry.otherSites ?? [])])
    yield* siteRows(entry, vectors, options, signal);
}

async function* siteRows(
  entry: StoreEntryInfo,
  vectors: SiteVectors,
  options: ActivationOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<VectorBatch> {
  const wanted = options.layers === undefined ? undefined : new Set(options.layers);
  let pending: PooledLayer[] = [];
  let values = 0;
  for (let layer = 0; layer < vectors.layerCount; layer++) {
    if (wanted !== undefined && !wanted.has(layer)) continue;
    const stored = await vectors.layer(layer, signal);
    if (stored === undefined || stored.tokens === 0) continue;
    const pooled = pool(layer, stored, options.tokens);
    const [first] = pending;
    if (first !== undefined && (first.dim !== pooled.dim || first.dtype !== pooled.dtype)) {
      yield toBatch(entry, vectors, pending, options.tokens);
      pending = [];
      values = 0;
    }
    pending.push(pooled);
    values += floatCount(pooled.values);
    if (values >= BATCH_VALUES) {
      yield toBatch(entry, vectors, pending, options.tokens);
      pending = [];
      values = 0;
    }
  }
  if (pending.length > 0) yield toBatch(entry, vectors, pending, options.tokens);
}

interface PooledLayer extends LayerValues {
  readonly layer: number;
  /** Tokens before pooling. */
  readonly sequence: number;
}

function pool(layer: number, stored: LayerValues, tokens: TokenSelection): PooledLayer {
  const { values, dim, dtype, tokens: sequence } = stored;
  if (tokens === 'all') return { layer, sequence, values, dim, dtype, tokens: sequence };
  if (tokens === 'last') {
    return { layer, sequence, values: sliceFloats(values, (sequence - 1) * dim), dim, dtype, tokens: 1 };
  }
  return { layer, sequence, values: meanVector(toFloat32(values), sequence, dim), dim, dtype, tokens: 1 };
}

/** Mean over tokens, accumulated in double precision and rounded once. */
export function meanVector(values: Float32Array, tokens: number, dim: number): Float32Array {
  const sum = new Float64Array(dim);
  for (let t = 0, i = 0; t < tokens; t++) for (let d = 0; d < dim; d++, i++) sum[d]! += values[i]!;
  const mean = new Float32Array(dim);
  for (let d = 0; d < dim; d++) mean[d] = sum[d]! / tokens;
  return mean;
}

function toBatch(
  entry: StoreEntryInfo,
  site: SiteVectors,
  layers: readonly PooledLayer[],
  tokens: TokenSelection,
): VectorBatch {
  const { dim, dtype } = layers[0]!;
  const rows = layers.reduce((sum, layer) => sum + layer.tokens, 0);
  // In memory of its own, since a batch is given away.
  const vectors: Floats = joinFloats(layers.map(({ values }) => values));
  const layer = new Int32Array(rows);
  const tokenIndex = new Int32Array(rows);
  const segment = new Uint8Array(rows);
  let row = 0;
  for (const part of layers) {
    layer.fill(part.layer, row, row + part.tokens);
    if (tokens === 'mean') {
      tokenIndex[row] = -1;
      segment[row] = segmentOf(site, 0) === segmentOf(site, part.sequence - 1) ? segmentOf(site, 0) : UNKNOWN;
      row++;
      continue;
    }
    const first = tokens === 'last' ? part.sequence - 1 : 0;
    for (let t = first; t < part.sequence; t++, row++) {
      tokenIndex[row] = site.selected?.tokens[t] ?? site.firstToken + t;
      segment[row] = segmentOf(site, t);
    }
  }
  return {
    key: entry.key,
    exampleId: entry.exampleId,
    modelId: entry.modelId,
    site: site.site,
    tokenSelector: tokens === 'all' ? (site.selected?.selector ?? tokens) : tokens,
    dtype,
    dim,
    rows,
    vectors,
    layer,
    tokenIndex,
    segment,
  };
}

function segmentOf(site: SiteVectors, token: number): number {
  if (site.promptTokens === undefined) return UNKNOWN;
  return token < site.promptTokens ? PROMPT : RESPONSE;
}

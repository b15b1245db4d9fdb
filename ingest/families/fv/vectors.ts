import { FV_VECTORS } from '../../../lake/tables/fv.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import type { JsonObject, JsonValue } from '../../contracts/json-value.ts';
import { storeSource } from '../../formats/bytes/byte-source.ts';
import { FormatError } from '../../formats/errors.ts';
import type { PickleValue } from '../../formats/pickle/values.ts';
import { Tensor } from '../../formats/tensor/tensor.ts';
import { readTorch } from '../../formats/torch/read-torch.ts';
import { jsonText } from '../../run-files/json-text.ts';
import { BATCH, type HeadTable } from './heads.ts';
import { cleanMeanQid } from './layout.ts';
import type { FvRun } from './run.ts';

/** Means of every head over clean prompts: [layers, heads, head dimension]. */
export interface CleanMean {
  readonly file: string;
  readonly layers: number;
  readonly heads: number;
  readonly tensor: Tensor;
  /** What else the file says, as JSON. */
  readonly extra: string | null;
}

/** What the `.pt` files of a run hold, as far as other files are checked against it. */
export interface FvVectors {
  readonly cleanMean: CleanMean | undefined;
  /** Norm of the function vector. */
  readonly globalNorm: number | undefined;
  /** Layers of `fv_by_layer.pt`. */
  readonly byLayer: readonly number[] | undefined;
}

type Dict = ReadonlyMap<PickleValue, PickleValue>;

/** The longest vector that is a hidden state of a model. */
const MAX_DIM = 1_000_000;
const MAX_VECTORS = 2_000_000;
const MAX_LAYERS = 10_000;

function isDict(value: PickleValue | undefined): value is Dict {
  return value instanceof Map;
}

/** Members of a dict that JSON has too. */
function plainMembers(dict: Dict): JsonObject {
  const members: JsonObject = {};
  for (const [key, value] of dict) {
    const plain: JsonValue | undefined = isPlain(value) ? value : undefined;
    if (typeof key === 'string' && plain !== undefined) members[key] = plain;
  }
  return members;
}

function isPlain(value: PickleValue): value is null | boolean | number | bigint | string {
  return value === null || ['boolean', 'number', 'bigint', 'string'].includes(typeof value);
}

function norm(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}

function vectorRow(values: Float32Array, dtype: string, rest: Row): Row {
  return { ...rest, dtype, dim: values.length, norm: norm(values), vector: values };
}

/** The object of a torch file; undefined when it cannot be read, which is reported. Nothing in it is executed. */
async function readTensors(run: FvRun, file: string): Promise<PickleValue | undefined> {
  const object = run.files.get(file);
  if (object === undefined) return undefined;
  const { tree, signal } = run.context;
  const source = storeSource(tree.store, object.key, object.size);
  try {
    return await readTorch(source, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const issue = { code: error.subcode, file, message: error.message };
    // A file cut off is what a kill leaves behind; one that asks for foreign code is not.
    if (error.subcode === 'PICKLE_FORBIDDEN') run.log.run(issue);
    else run.log.record(issue);
    return undefined;
  } finally {
    await source.close();
  }
}

/** A tensor of a rank from a dict, or the bare tensor. */
function tensorOf(
  run: FvRun,
  file: string,
  value: PickleValue | undefined,
  key: string,
  rank: number,
): Tensor | undefined {
  const found = isDict(value) ? value.get(key) : value;
  const vectors = found instanceof Tensor ? found.shape.slice(0, -1).reduce((a, b) => a * b, 1) : 0;
  const fits =
    found instanceof Tensor &&
    found.shape.length === rank &&
    (found.shape.at(-1) ?? 0) <= MAX_DIM &&
    vectors <= MAX_VECTORS &&
    found.dtype.includes('float');
  if (fits) return found;
  const what = found instanceof Tensor ? `${found.dtype} (${found.shape.join(', ')})` : 'no tensor';
  const message = `${key} is ${what}; expected a float tensor of ${rank === 1 ? 'one dimension' : `${rank} dimensions`}`;
  run.log.record({ code: 'WRONG_TYPE', file, message });
  return undefined;
}

/**
 * Reads every `.pt` file of the run into `fv_vectors`.
 * @param table the scores of the heads whose means are there
 */
export async function readVectors(run: FvRun, table: HeadTable | undefined): Promise<FvVectors> {
  const cleanMean = await readCleanMeans(run, table);
  const globalNorm = await readGlobal(run);
  return { cleanMean, globalNorm, byLayer: await readByLayer(run) };
}

async function readGlobal(run: FvRun): Promise<number | undefined> {
  const file = run.layout.first('fv-global');
  const value = file === undefined ? undefined : await readTensors(run, file);
  if (file === undefined || value === undefined) return undefined;
  const tensor = tensorOf(run, file, value, 'fv_global_resid', 1);
  if (tensor === undefined) return undefined;
  const extra = isDict(value) ? jsonText(plainMembers(value)) : null;
  const row = vectorRow(tensor.toFloat32(), tensor.dtype, {
    q_id: run.qId,
    kind: 'fv_global_resid',
    file,
    extra,
  });
  await run.sink.rows(FV_VECTORS, [row]);
  return typeof row['norm'] === 'number' ? row['norm'] : undefined;
}

async function readByLayer(run: FvRun): Promise<number[] | undefined> {
  const file = run.layout.first('fv-by-layer');
  const value = file === undefined ? undefined : await readTensors(run, file);
  if (file === undefined || value === undefined) return undefined;
  const byLayer = isDict(value) ? value.get('fv_by_layer') : undefined;
  if (!isDict(value) || !isDict(byLayer)) {
    const message = 'fv_by_layer is missing or no dict; expected {layer: tensor}';
    run.log.record({ code: 'WRONG_TYPE', file, message });
    return undefined;
  }
  const extra = jsonText(plainMembers(value));
  const rows: Row[] = [];
  const layers: number[] = [];
  for (const [key, item] of byLayer) {
    const layer = Number(key);
    if (!Number.isInteger(layer) || layer < 0 || layer >= MAX_LAYERS) {
      const message = `fv_by_layer has the key ${String(key)}; expected a layer`;
      run.log.record({ code: 'WRONG_TYPE', file, message });
      continue;
    }
    const tensor = tensorOf(run, file, item, `fv_by_layer[${layer}]`, 1);
    if (tensor === undefined) continue;
    layers.push(layer);
    const rest = { q_id: run.qId, kind: 'fv_by_layer', layer, file, extra };
    rows.push(vectorRow(tensor.toFloat32(), tensor.dtype, rest));
  }
  if (rows.length > 0) await run.sink.rows(FV_VECTORS, rows);
  return layers.sort((a, b) => a - b);
}

/**
 * Reads the means of every relation query; of the tensors, which drag the storage of every slot of the prompt along, one
 * at a time. The mean over all of them repeats the one of a run with a single query, and `mean_activations.pt` repeats
 * it once more: they are emitted only where they say something else.
 */
async function readCleanMeans(run: FvRun, table: HeadTable | undefined): Promise<CleanMean | undefined> {
  const files = run.layout.all('clean-mean');
  const own = files.filter((file) => cleanMeanQid(file) !== null);
  const shared = files.find((file) => baseName(file) === 'global_clean_mean.pt');
  let last: CleanMean | undefined;
  for (const file of own) {
    const mean = await readCleanMean(run, file);
    if (mean === undefined) continue;
    last = mean;
    await emitCleanMean(run, mean, cleanMeanQid(file), table);
  }
  const other = shared ?? (own.length === 0 ? files[0] : undefined);
  const mean = other === undefined ? undefined : await readCleanMean(run, other);
  if (mean === undefined) return last;
  if (last !== undefined && own.length === 1) {
    if (sameValues(last.tensor, mean.tensor)) return last;
    const message = `differs from ${last.file}, the only relation query of the run`;
    run.log.warn({ code: 'CLEAN_MEAN_MISMATCH', file: mean.file, message });
  }
  await emitCleanMean(run, mean, own.length === 0 ? run.qId : null, table);
  return mean;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

async function readCleanMean(run: FvRun, file: string): Promise<CleanMean | undefined> {
  const value = await readTensors(run, file);
  const tensor = value === undefined ? undefined : tensorOf(run, file, value, 'clean_mean', 3);
  if (tensor === undefined || value === undefined) return undefined;
  const [layers = 0, heads = 0] = tensor.shape;
  return { file, layers, heads, tensor, extra: isDict(value) ? jsonText(plainMembers(value)) : null };
}

/** Emits a row a head, and compares the norms of a single query's means with its scores. */
async function emitCleanMean(
  run: FvRun,
  mean: CleanMean,
  qId: string | null,
  table: HeadTable | undefined,
): Promise<void> {
  const { file, layers, heads, tensor, extra } = mean;
  const norms: number[] = [];
  let rows: Row[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const ofLayer = tensor.select(0, layer);
    for (let head = 0; head < heads; head++) {
      // A view would keep the whole storage alive, of which the means are a small part.
      const values = new Float32Array(ofLayer.select(0, head).toFloat32());
      norms.push(norm(values));
      rows.push(vectorRow(values, tensor.dtype, { q_id: qId, kind: 'clean_mean', layer, head, file, extra }));
    }
    if (rows.length >= BATCH) {
      await run.sink.rows(FV_VECTORS, rows);
      rows = [];
    }
  }
  if (rows.length > 0) await run.sink.rows(FV_VECTORS, rows);
  if (table !== undefined && qId !== null) compareNorms(run, table, mean, qId, norms);
}

function sameValues(a: Tensor, b: Tensor): boolean {
  if (a.shape.join() !== b.shape.join()) return false;
  const [x, y] = [a.toFloat32(), b.toFloat32()];
  return x.every((value, i) => Object.is(value, y[i]));
}

/** Single precision, summed in another order. */
const FLOAT_TOLERANCE = 1e-5;

/** Says when the norms in the score file are not those of the means beside it: one issue, however many differ. */
function compareNorms(
  run: FvRun,
  table: HeadTable,
  { file, layers, heads }: CleanMean,
  qId: string,
  norms: readonly number[],
): void {
  let first: { readonly line: number; readonly text: string } | undefined;
  let differing = 0;
  for (const { layer, head, scores, line, qId: query } of table.heads) {
    const reported = scores.get('clean_mean_norm');
    const actual = layer < layers && head < heads ? norms[layer * heads + head] : undefined;
    if (reported === undefined || actual === undefined || query !== qId) continue;
    if (Math.abs(reported - actual) <= FLOAT_TOLERANCE * Math.max(1, actual)) continue;
    differing += 1;
    const text = `clean_mean_norm of head ${head} of layer ${layer} is ${reported}; the mean in ${file} has ${actual}`;
    first ??= { line, text };
  }
  if (first === undefined) return;
  const message = differing === 1 ? first.text : `${first.text}; ${differing - 1} other heads differ too`;
  run.log.warn({ code: 'CLEAN_MEAN_MISMATCH', file: table.file, line: first.line, message });
}

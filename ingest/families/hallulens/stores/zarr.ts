import { type Floats, joinFloats } from '../../../../lake/parquet/floats/floats.ts';
import { isJsonObject, type JsonObject } from '../../../contracts/json-value.ts';
import type {
  LayerValues,
  ReadContext,
  SequenceSelection,
  StoreEntry,
  StoreEntryInfo,
  StoreReader,
  StoreRef,
} from '../../../family.ts';
import { FormatError } from '../../../formats/errors.ts';
import { issueLog } from '../../../run-files/issue-log.ts';
import { readJsonRecords } from '../../../run-files/records.ts';
import {
  cutSequence,
  guarded,
  noteDamage,
  recordInfo,
  report,
  type SequenceCut,
  type SequenceMode,
  SITE,
  type StoreProblems,
  sequenceMode,
  storeName,
  storeProblems,
  textOnlyEntry,
} from './entry.ts';
import { joinKey } from './locate.ts';
import { openZarrArrays, type ZarrArrays, zarrTokenRecords } from './zarr-arrays.ts';

const INDEX = 'meta/index.jsonl';
/** A gigabyte: a hundred thousand tokens of a very wide model. */
const MAX_LAYER_VALUES = 1 << 28;

/** Where an entry's tensors are, and which line of the index counts: the last one of its key. */
interface IndexedRow {
  readonly row: number | null;
  readonly line: number;
}

/** Reads a Zarr activation store (formats: section 5). The index says which rows were written. */
export async function openZarrStore(ref: StoreRef, context: ReadContext): Promise<StoreReader> {
  const { store } = context.tree;
  const options = context.signal === undefined ? {} : { signal: context.signal };
  const problems = storeProblems();
  const name = storeName(ref.root);
  const arrays = await openZarrArrays(store, ref.root, options);
  const object = await store.head(joinKey(ref.root, INDEX), options);

  /** The records of the index, its complaints only once. */
  async function* lines(
    target: StoreProblems,
  ): AsyncGenerator<{ line: number; key: string; record: JsonObject }> {
    if (object === undefined) {
      yield* fromSampleKeys(arrays);
      return;
    }
    const log = issueLog({ issue: (issue) => report(target, issue) }, { lenient: true });
    for await (const records of readJsonRecords(context, object, INDEX, log)) {
      for (const { line, value, damaged } of records) {
        const key = isJsonObject(value) ? value['key'] : undefined;
        if (!damaged && isJsonObject(value) && typeof key === 'string') yield { line, key, record: value };
      }
    }
    log.finish();
  }

  const index = new Map<string, IndexedRow>();
  for await (const { line, key, record } of lines(problems)) {
    index.set(key, { row: rowOf(record, key, line, arrays.rows, problems), line });
  }
  if (object === undefined) {
    const message = `there is no ${INDEX}; keys come from sample_key, texts are lost`;
    report(problems, { severity: 'warning', code: 'STORE_INDEX_MISSING', file: name, message });
  }

  /** The lines that count, in the order of the index. */
  async function* current() {
    for await (const { line, key, record } of lines(storeProblems())) {
      const known = index.get(key);
      if (known?.line === line) yield { key, record, row: known.row };
    }
  }

  return {
    format: 'zarr',
    issues: problems.issues,
    damaged: problems.damaged,
    async *keys() {
      for (const [key, { row }] of index) if (row !== null) yield key;
    },
    async *infos() {
      for await (const { key, record, row } of current()) yield recordInfo(key, record, row !== null);
    },
    async *entries(selection, signal) {
      for await (const { key, record, row } of current()) {
        const info = recordInfo(key, record, row !== null);
        if (row === null) {
          yield textOnlyEntry(info);
          continue;
        }
        let entry: StoreEntry;
        try {
          entry = await toEntry(info, record, row, arrays, selection.sequence, signal);
        } catch (error) {
          noteDamage(problems, name, key, error);
          continue;
        }
        yield guarded(problems, name, entry);
      }
    },
  };
}

function rowOf(
  record: JsonObject,
  key: string,
  line: number,
  rows: number,
  problems: StoreProblems,
): number | null {
  const row = record['sample_index'];
  if (row === null || row === undefined || record['has_activations'] === false) return null;
  if (typeof row === 'number' && Number.isSafeInteger(row) && row >= 0 && row < rows) return row;
  const message = `entry ${key} is said to be in row ${String(row)} of ${rows}; it has no activations`;
  report(problems, { severity: 'warning', code: 'SAMPLE_OUT_OF_RANGE', file: INDEX, line, message });
  return null;
}

/** What `sample_key` still knows when the index is gone: a key for every written row. */
async function* fromSampleKeys(arrays: ZarrArrays) {
  for (const [row, key] of (await arrays.sampleKeys()).entries()) {
    if (key !== '') yield { line: row + 1, key, record: { key, sample_index: row } as JsonObject };
  }
}

async function toEntry(
  info: StoreEntryInfo,
  record: JsonObject,
  row: number,
  arrays: ZarrArrays,
  selection: SequenceSelection,
  signal: AbortSignal | undefined,
): Promise<StoreEntry> {
  const config = record['logging_config'];
  const mode = sequenceMode(isJsonObject(config) ? config['sequence_mode'] : undefined) ?? 'all';
  const { prompt, response } = await arrays.lengths(row);
  const recorded = recordedLayers(record);
  // Both halves are stored whatever the mode says: it decides what counts as recorded.
  const cut = cutSequence(prompt + response, prompt, selection === 'recorded' ? mode : selection);
  return {
    ...info,
    site: SITE,
    layerCount: arrays.layers,
    promptTokens: cut.promptTokens,
    firstToken: mode === 'response' ? Math.max(0, cut.start - prompt) : cut.start,
    tokenRecords: await zarrTokenRecords(arrays, row, record, signal),
    ...selectedTokens(record, cut, prompt, mode),
    async layer(layer, layerSignal) {
      // Layers that were not recorded are zeros.
      if (recorded !== undefined && !recorded.has(layer)) return undefined;
      return layerOf(arrays, row, layer, prompt, cut, layerSignal ?? signal);
    },
  };
}

/** The layers that an entry names; undefined where it does not, or not as a list of numbers. */
function recordedLayers(record: JsonObject): ReadonlySet<number> | undefined {
  const layers = record['layers'];
  if (!Array.isArray(layers)) return undefined;
  const numbers = layers.filter((layer) => typeof layer === 'number');
  return numbers.length === layers.length ? new Set(numbers) : undefined;
}

/** Which tokens the vectors of a cut are of, where an entry says so (`token_indices`) of fewer vectors than tokens. */
function selectedTokens(
  record: JsonObject,
  cut: SequenceCut,
  promptVectors: number,
  mode: SequenceMode,
): Pick<StoreEntry, 'selected'> {
  const indices = record['token_indices'];
  const selector = record['token_selector'];
  const input = record['input_length'];
  if (!isJsonObject(indices) || typeof selector !== 'string' || typeof input !== 'number') return {};
  const of = (segment: string, offset: number, length: number): number[] => {
    const list = indices[segment];
    const positions = Array.isArray(list) ? list.filter((index) => typeof index === 'number') : [];
    // A mean is of no single token.
    return Array.from({ length }, (_, i) => (positions[i] === undefined ? -1 : positions[i] + offset));
  };
  const promptPart = Math.min(cut.end, promptVectors) - Math.min(cut.start, promptVectors);
  const tokens = [
    ...of('prompt', 0, promptPart),
    ...of('response', mode === 'response' ? 0 : input, cut.end - cut.start - promptPart),
  ];
  return { selected: { selector, tokens } };
}

async function layerOf(
  arrays: ZarrArrays,
  row: number,
  layer: number,
  prompt: number,
  cut: SequenceCut,
  signal: AbortSignal | undefined,
): Promise<LayerValues | undefined> {
  const { hidden: dim } = arrays;
  const tokens = cut.end - cut.start;
  if (layer >= arrays.layers || tokens === 0) return undefined;
  if (tokens * dim > MAX_LAYER_VALUES) {
    throw new FormatError('LIMIT', `a layer of ${tokens} tokens of ${dim} values`, {
      expected: `at most ${MAX_LAYER_VALUES} values`,
    });
  }
  const parts: Floats[] = [];
  const options = signal === undefined ? {} : { signal };
  const read = async (array: ZarrArrays['prompt'], start: number, end: number) => {
    if (array === undefined || end <= start) return;
    const ranges = [
      { start: row, end: row + 1 },
      { start: layer, end: layer + 1 },
      { start, end },
    ];
    parts.push((await array.readRegion(ranges, options)).toFloats());
  };
  await read(arrays.prompt, cut.start, Math.min(cut.end, prompt));
  const responseStart = Math.max(cut.start, prompt);
  await read(arrays.response, responseStart - prompt, cut.end - prompt);
  const dtype = arrays.prompt?.dtype ?? arrays.response?.dtype;
  if (dtype === undefined) throw new FormatError('ZARR_CORRUPT', 'activations that are no numbers');
  return { values: joinFloats(parts), tokens, dim, dtype };
}

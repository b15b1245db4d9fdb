import { isJsonObject, type JsonObject } from '../../../contracts/json-value.ts';
import type {
  ReadContext,
  SequenceSelection,
  StoreEntry,
  StoreEntryInfo,
  StoreReader,
  StoreRef,
} from '../../../family.ts';
import { storeSource } from '../../../formats/bytes/byte-source.ts';
import { FormatError } from '../../../formats/errors.ts';
import { Tensor } from '../../../formats/tensor/tensor.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import { issueLog } from '../../../run-files/issue-log.ts';
import { readJsonRecords } from '../../../run-files/records.ts';
import {
  asTokens,
  cutSequence,
  guarded,
  layerValues,
  noteDamage,
  recordInfo,
  report,
  SITE,
  type StoreProblems,
  sequenceMode,
  storeName,
  storeProblems,
  textOnlyEntry,
} from './entry.ts';
import { joinKey } from './locate.ts';
import { type EntryLayers, jsonTensorLayers, openNpyLayers } from './npy-layers.ts';
import { promptTokens } from './prompt-tokens.ts';

const INDEX = 'metadata.jsonl';
const LEGACY_INDEX = 'metadata.json';

/** What the index says about a key: the legacy one holds the whole entry, the other one next to nothing. */
interface IndexEntry {
  readonly hasActivations: boolean;
  readonly full: JsonObject | undefined;
}

/** Reads a JSON+NPY activation store (formats: section 4). */
export async function openJsonNpyStore(ref: StoreRef, context: ReadContext): Promise<StoreReader> {
  const problems = storeProblems();
  const name = storeName(ref.root);
  const index = await readIndex(ref, context, problems, name);
  const options = context.signal === undefined ? {} : { signal: context.signal };

  const sidecar = async (key: string): Promise<JsonObject | undefined> => {
    const object = await context.tree.store.head(joinKey(ref.root, 'activations', `${key}.json`), options);
    if (object === undefined) return undefined;
    const { value, issues } = await readJsonDocument(context, object, `activations/${key}.json`);
    for (const issue of issues) report(problems, { ...issue, severity: 'warning' });
    return value;
  };

  const layersOf = async (key: string, record: JsonObject): Promise<EntryLayers | undefined> => {
    const inline = record['all_layers_activations'];
    if (Array.isArray(inline)) return jsonTensorLayers(inline);
    const file = record['activation_file'];
    const path = typeof file === 'string' && isSafePath(file) ? file : `activations/${key}.npy`;
    const object = await context.tree.store.head(joinKey(ref.root, path), options);
    if (object === undefined) return undefined;
    return openNpyLayers(storeSource(context.tree.store, object.key, object.size), context.signal);
  };

  return {
    format: 'json_npy',
    issues: problems.issues,
    damaged: problems.damaged,
    async *keys() {
      for (const [key, { hasActivations }] of index) if (hasActivations) yield key;
    },
    async *infos() {
      for (const [key, indexed] of index) {
        yield recordInfo(key, (await sidecar(key)) ?? indexed.full ?? {}, indexed.hasActivations);
      }
    },
    async *entries(selection) {
      for (const [key, indexed] of index) {
        const record = (await sidecar(key)) ?? indexed.full ?? {};
        const info = recordInfo(key, record, indexed.hasActivations);
        if (!indexed.hasActivations) {
          yield textOnlyEntry(info);
          continue;
        }
        let layers: EntryLayers | undefined;
        try {
          layers = await layersOf(key, record);
          if (layers === undefined) throw new FormatError('TRUNCATED', `activations/${key}.npy is missing`);
          yield guarded(problems, name, await toEntry(info, record, layers, selection.sequence));
        } catch (error) {
          noteDamage(problems, name, key, error);
        } finally {
          await layers?.close();
        }
      }
    },
  };
}

/** Entries by key: the legacy index first, then the lines of the other one, of which the last counts. */
async function readIndex(
  ref: StoreRef,
  context: ReadContext,
  problems: StoreProblems,
  name: string,
): Promise<ReadonlyMap<string, IndexEntry>> {
  const index = new Map<string, IndexEntry>();
  const options = context.signal === undefined ? {} : { signal: context.signal };
  const legacy = await context.tree.store.head(joinKey(ref.root, LEGACY_INDEX), options);
  if (legacy !== undefined) {
    const { value, issues } = await readJsonDocument(context, legacy, LEGACY_INDEX);
    for (const issue of issues) report(problems, { ...issue, severity: 'warning' });
    const entries = value?.['entries'];
    if (isJsonObject(entries)) {
      for (const [key, entry] of Object.entries(entries)) {
        if (isJsonObject(entry)) addEntry(index, key, entry, entry, problems, name);
      }
    }
  }
  const lines = await context.tree.store.head(joinKey(ref.root, INDEX), options);
  if (lines !== undefined) {
    // Appending was interrupted now and then: a bad line is passed over, as the project's own reader does.
    const log = issueLog({ issue: (issue) => report(problems, issue) }, { lenient: true });
    for await (const records of readJsonRecords(context, lines, INDEX, log)) {
      for (const { value, damaged } of records) {
        const key = isJsonObject(value) ? value['key'] : undefined;
        if (damaged || !isJsonObject(value) || typeof key !== 'string') continue;
        addEntry(index, key, value, index.get(key)?.full, problems, name);
      }
    }
    log.finish();
  }
  return index;
}

function addEntry(
  index: Map<string, IndexEntry>,
  key: string,
  record: JsonObject,
  full: JsonObject | undefined,
  problems: StoreProblems,
  name: string,
): void {
  if (!isSafePath(key)) {
    const message = `the key ${JSON.stringify(key.slice(0, 80))} is no file name; the entry is passed over`;
    report(problems, { severity: 'warning', code: 'ACTIVATION_KEY_INVALID', file: name, message });
    return;
  }
  index.set(key, { hasActivations: record['has_activations'] !== false, full });
}

/** Keys and file names become parts of object keys: they must stay below the store. */
function isSafePath(path: string): boolean {
  return (
    path !== '' &&
    !path.includes('\0') &&
    !path.includes('\\') &&
    !path.split('/').some((part) => part === '' || part === '.' || part === '..')
  );
}

async function toEntry(
  info: StoreEntryInfo,
  record: JsonObject,
  layers: EntryLayers,
  selection: SequenceSelection,
): Promise<StoreEntry> {
  const config = record['logging_config'];
  const mode = sequenceMode(isJsonObject(config) ? config['sequence_mode'] : undefined);
  let total = 0;
  for (let i = 0; i < layers.count; i++) {
    const shape = layers.shape(i);
    if (shape === undefined) continue;
    total = shape.at(-2) ?? 0;
    break;
  }
  const cut = cutSequence(total, promptTokens(mode, total, record['input_length']), selection);
  return {
    ...info,
    site: SITE,
    layerCount: layers.count,
    promptTokens: cut.promptTokens,
    firstToken: cut.start,
    tokenRecords: [],
    async layer(index, signal) {
      const tensor = await layers.read(index, signal);
      return tensor instanceof Tensor ? layerValues(asTokens(tensor), cut) : undefined;
    },
  };
}

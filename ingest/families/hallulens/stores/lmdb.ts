import type { ReadContext, StoreEntry, StoreEntryInfo, StoreReader, StoreRef } from '../../../family.ts';
import { type ByteSource, openSource } from '../../../formats/bytes/byte-source.ts';
import { FormatError } from '../../../formats/errors.ts';
import { type LmdbDatabase, openLmdb } from '../../../formats/lmdb/environment.ts';
import type { LmdbValue } from '../../../formats/lmdb/overflow.ts';
import type { PickleValue } from '../../../formats/pickle/values.ts';
import { unpickleWithTensors } from '../../../formats/torch/read-torch.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import {
  asTokens,
  cutSequence,
  guarded,
  INFO_KEYS,
  layerValues,
  noteDamage,
  report,
  SITE,
  sequenceMode,
  storeName,
  storeProblems,
  textOnlyEntry,
} from './entry.ts';
import { type DecodedValue, decodeLmdbValue } from './lmdb-value.ts';
import { joinKey } from './locate.ts';
import { dictToJson, isDict, type PickleDict } from './pickle-json.ts';
import { promptTokens } from './prompt-tokens.ts';

const EMPTY: PickleDict = new Map();

/** Reads an LMDB activation store (formats: section 3), whichever generation of the logger wrote it. */
export async function openLmdbStore(ref: StoreRef, context: ReadContext): Promise<StoreReader> {
  const { store } = context.tree;
  const options = context.signal === undefined ? {} : { signal: context.signal };
  const problems = storeProblems();
  const name = storeName(ref.root);
  const data = await openSource(store, joinKey(ref.root, 'data.mdb'), options);
  const metadataKey = joinKey(`${ref.root}_metadata`, 'data.mdb');
  const hasMetadata = (await store.head(metadataKey, options)) !== undefined;
  const metadata = hasMetadata ? await openSource(store, metadataKey, options) : undefined;

  const open = async (source: ByteSource, signal: AbortSignal | undefined): Promise<LmdbDatabase> => {
    const environment = await openLmdb(source, signal === undefined ? {} : { signal });
    for (const message of environment.warnings) {
      const known = problems.issues.some((issue) => issue.message === message);
      if (!known)
        report(problems, { severity: 'warning', code: 'ACTIVATION_STORE_DAMAGED', file: name, message });
    }
    return environment.main;
  };

  /** The entry's record in the second environment; a broken one counts as absent. */
  const lookUp = async (
    database: LmdbDatabase | undefined,
    key: Uint8Array,
    text: string,
    signal: AbortSignal | undefined,
  ): Promise<PickleDict> => {
    if (database === undefined) return EMPTY;
    try {
      const value = await database.get(key, signal === undefined ? {} : { signal });
      if (value === undefined) return EMPTY;
      const record = unpickleWithTensors(await bytesOf(value, signal));
      return isDict(record) ? record : EMPTY;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const message = `the metadata of entry ${text} cannot be read: ${error.message}`;
      report(problems, { severity: 'warning', code: 'ACTIVATION_METADATA_UNREADABLE', file: name, message });
      return EMPTY;
    }
  };

  /** Runs `visit` over every entry of the data environment, with its metadata. */
  async function* scan(signal: AbortSignal | undefined, lazyAbove: number | undefined) {
    try {
      const entries = await open(data, signal);
      const records = metadata === undefined ? undefined : await open(metadata, signal);
      for await (const { key, value, database } of entries.entries({
        ...(signal === undefined ? {} : { signal }),
        ...(lazyAbove === undefined ? {} : { lazyAbove }),
      })) {
        if (database) continue;
        yield { bytes: key, key: Buffer.from(key).toString('utf8'), value, records };
      }
    } finally {
      await data.close();
      await metadata?.close();
    }
  }

  return {
    format: 'lmdb',
    issues: problems.issues,
    damaged: problems.damaged,
    async *keys(signal) {
      for await (const { key } of scan(signal, 0)) yield key;
    },
    async *infos(signal) {
      for await (const { bytes, key, value, records } of scan(signal, 0)) {
        const record = await lookUp(records, bytes, key, signal);
        if (record.size > 0) {
          yield infoOf(key, record, EMPTY, record.get('has_activations') !== false);
          continue;
        }
        try {
          const decoded = decodeLmdbValue(await bytesOf(value, signal));
          yield infoOf(key, EMPTY, decoded.entry, decoded.layers.length > 0);
        } catch (error) {
          noteDamage(problems, name, key, error);
        }
      }
    },
    async *entries(selection, signal) {
      for await (const { bytes, key, value, records } of scan(signal, undefined)) {
        let entry: StoreEntry;
        try {
          const decoded = decodeLmdbValue(await bytesOf(value, signal));
          const record = await lookUp(records, bytes, key, signal);
          entry = toEntry(key, record, decoded, selection.sequence);
        } catch (error) {
          noteDamage(problems, name, key, error);
          continue;
        }
        yield guarded(problems, name, entry);
      }
    },
  };
}

async function bytesOf(value: LmdbValue, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return value instanceof Uint8Array ? value : value.read(0, value.size, signal);
}

function text(value: PickleValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** What the two environments say about an entry; the metadata environment knows more and goes first. */
function infoOf(key: string, record: PickleDict, entry: PickleDict, hasActivations: boolean): StoreEntryInfo {
  const get = (name: string): PickleValue | undefined => record.get(name) ?? entry.get(name);
  return {
    key,
    exampleId: text(get('example_id')),
    modelId: text(get('model_id')) ?? text(get('model')),
    prompt: text(get('prompt')),
    response: text(get('response')),
    hasActivations,
    meta: jsonText({ ...dictToJson(entry, INFO_KEYS), ...dictToJson(record, INFO_KEYS) }),
  };
}

function toEntry(
  key: string,
  record: PickleDict,
  decoded: DecodedValue,
  selection: Parameters<typeof cutSequence>[2],
): StoreEntry {
  const info = infoOf(
    key,
    record,
    decoded.entry,
    decoded.layers.some((layer) => layer !== null),
  );
  const first = decoded.layers.find((layer) => layer !== null);
  if (first === undefined || first === null) return textOnlyEntry(info);
  const total = asTokens(first).shape[0]!;
  const config = record.get('logging_config') ?? decoded.entry.get('logging_config');
  const mode = sequenceMode(isDict(config) ? config.get('sequence_mode') : undefined);
  const inputLength = record.get('input_length') ?? decoded.entry.get('input_length');
  const cut = cutSequence(total, promptTokens(mode, total, inputLength), selection);
  return {
    ...info,
    site: SITE,
    layerCount: decoded.layers.length,
    promptTokens: cut.promptTokens,
    firstToken: cut.start,
    tokenRecords: [],
    async layer(index) {
      const tensor = decoded.layers[index];
      return tensor === null || tensor === undefined ? undefined : layerValues(tensor, cut);
    },
  };
}

import { isJsonObject, type JsonValue, nonEmptyTextOf } from '../../../contracts/json-value.ts';
import type { ReadContext, RunCandidate, StoreRef } from '../../../family.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import { resolveStore, storeRef } from './locate.ts';

export interface RecordedStore {
  readonly path: string;
  readonly format?: string;
}

/**
 * Paths of activation stores that a run's configuration names, with the format it says. The contract's `activation_logging` has one;
 * a run on activations of several has them all in its member `stores`.
 */
export function recordedStores(config: JsonValue): RecordedStore[] {
  if (!isJsonObject(config)) return [];
  const logging = config['activation_logging'];
  if (isJsonObject(logging)) {
    if (logging['enabled'] === false) return [];
    const { stores } = logging;
    return (Array.isArray(stores) ? stores : [logging]).flatMap(recordedStore);
  }
  const dataset = config['dataset'];
  const capture = isJsonObject(dataset) ? dataset['icr_capture'] : undefined;
  if (!isJsonObject(capture)) return [];
  return [nonEmptyTextOf(capture['train_dir']), nonEmptyTextOf(capture['test_dir'])]
    .filter((path) => path !== undefined)
    .map((path) => ({ path, format: 'memmap' }));
}

function recordedStore(value: JsonValue): RecordedStore[] {
  if (!isJsonObject(value)) return [];
  const path = nonEmptyTextOf(value['path']);
  const format = nonEmptyTextOf(value['format']);
  return path === undefined ? [] : [{ path, ...(format === undefined ? {} : { format }) }];
}

/** The stores that belong to a candidate: itself when it is one, else those its configuration leads to. */
export async function candidateStores(
  candidate: RunCandidate,
  context: ReadContext,
): Promise<readonly StoreRef[]> {
  switch (candidate.kind) {
    case 'lmdb-store':
      return [storeRef('lmdb', candidate.root)];
    case 'json-npy-store':
      return [storeRef('json_npy', candidate.root)];
    case 'zarr-store':
      return [storeRef('zarr', candidate.root)];
    case 'capture':
      return [storeRef('memmap', candidate.root)];
    case 'contract-run':
    case 'runner-run': {
      const object = candidate.files.find(
        (file) => file.key.endsWith('/config.json') || file.key === 'config.json',
      );
      if (object === undefined) return [];
      const { value } = await readJsonDocument(context, object, 'config.json');
      if (value === undefined) return [];
      const found: StoreRef[] = [];
      for (const { path, format } of recordedStores(value)) {
        const ref = await resolveStore(context.tree, candidate.root, path, format, context.signal);
        if (ref !== undefined) found.push(ref);
      }
      return found;
    }
    default:
      return [];
  }
}

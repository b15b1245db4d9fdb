import { isJsonObject, type JsonValue } from '../../../contracts/json-value.ts';
import type { ReadContext, RunCandidate, StoreRef } from '../../../family.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import { resolveStore, storeRef } from './locate.ts';

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Paths of activation stores that a run's configuration names, with the format it says. */
export function recordedStores(config: JsonValue): { readonly path: string; readonly format?: string }[] {
  if (!isJsonObject(config)) return [];
  const logging = config['activation_logging'];
  if (isJsonObject(logging)) {
    const path = text(logging['path']);
    const format = text(logging['format']);
    if (path === undefined || logging['enabled'] === false) return [];
    return [{ path, ...(format === undefined ? {} : { format }) }];
  }
  const dataset = config['dataset'];
  const capture = isJsonObject(dataset) ? dataset['icr_capture'] : undefined;
  if (!isJsonObject(capture)) return [];
  return [text(capture['train_dir']), text(capture['test_dir'])]
    .filter((path) => path !== undefined)
    .map((path) => ({ path, format: 'memmap' }));
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

import type { ReadContext, StoreReader, StoreRef } from '../../../family.ts';
import { openJsonNpyStore } from './json-npy.ts';
import { openLmdbStore } from './lmdb.ts';
import { openMemmapStore } from './memmap.ts';
import { openZarrStore } from './zarr.ts';

/** Opens a store for reading front to back. @throws FormatError when its index cannot be read */
export function openStore(ref: StoreRef, context: ReadContext): Promise<StoreReader> {
  switch (ref.format) {
    case 'lmdb':
      return openLmdbStore(ref, context);
    case 'json_npy':
      return openJsonNpyStore(ref, context);
    case 'zarr':
      return openZarrStore(ref, context);
    case 'memmap':
      return openMemmapStore(ref, context);
  }
}

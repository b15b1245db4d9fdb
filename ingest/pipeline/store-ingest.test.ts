import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lake } from '../../lake/lake.ts';
import { compact } from '../../lake/upkeep/compact.ts';
import type { LakeWriter } from '../../lake/writer.ts';
import { type TemporaryLake, temporaryLake } from '../../test/support/temporary-lake.ts';
import { activationRows } from '../activations.ts';
import { DEFAULT_ACTIVATION_OPTIONS, type StoreEntry, type StoreReader } from '../family.ts';
import { type IngestedStore, ingestStore, storeId } from './store-ingest.ts';

const ENTRIES = 40;
const LAYERS = 3;
const TOKENS = 5;
const DIM = 16;
/** Every file holds a few entries, so that a store has many. */
const FILE_BYTES = 4 * LAYERS * TOKENS * DIM * 4;
const ID = storeId('content', DEFAULT_ACTIVATION_OPTIONS);

let home: TemporaryLake;
let directory: string;
let lake: Lake;
let writer: LakeWriter;

beforeEach(async () => {
  home = await temporaryLake();
  ({ directory, lake, writer } = home);
});
afterEach(() => home.remove());

/** A store of made-up entries that counts the layers it had to decode, and may fail on the way. */
function reader(decoded: { layers: number }, failAt = Number.POSITIVE_INFINITY): StoreReader {
  const entry = (n: number): StoreEntry => ({
    key: `key-${String(n).padStart(3, '0')}`,
    exampleId: null,
    modelId: 'm',
    prompt: null,
    response: null,
    hasActivations: true,
    meta: '{}',
    site: 'resid_post',
    layerCount: LAYERS,
    promptTokens: 2,
    firstToken: 0,
    tokenRecords: [{ segment: 'response', ids: [n, n + 1], logprobs: [-1, -2] }],
    async layer(layer) {
      decoded.layers += 1;
      const values = Float32Array.from({ length: TOKENS * DIM }, (_, i) => n + layer / 8 + i / 1024);
      return { values, tokens: TOKENS, dim: DIM, dtype: 'float32' };
    },
  });
  return {
    format: 'lmdb',
    issues: [],
    damaged: [],
    async *keys() {},
    async *infos() {},
    async *entries() {
      for (let n = 0; n < ENTRIES; n++) {
        if (n === failAt) throw new Error('the disk went away');
        yield entry(n);
      }
    },
  };
}

function run(open: () => StoreReader): Promise<IngestedStore> {
  return ingestStore(writer, ID, async () => open(), {
    activations: DEFAULT_ACTIVATION_OPTIONS,
    rowsOf: activationRows,
    fileBytes: FILE_BYTES,
  });
}

/** What lies in the tables under an ingest, visible or not. */
async function contents(ingestId: string): Promise<unknown> {
  const rows: unknown[] = [];
  for (const [name, columns] of [
    ['activations', 'activation_key, layer, token_index, segment, norm, vector'],
    ['tokens', 'activation_key, token_index, token_id, logprob'],
  ] as const) {
    const { files, root } = await lake.table(name).snapshot();
    const paths = [...files.keys()].map((path) => `'${join(directory, 'store', root, path)}'`);
    const sql = `SELECT ${columns} FROM read_parquet([${paths.join(', ')}]) WHERE ingest_id = $1 ORDER BY ALL`;
    rows.push((await lake.query(sql, { params: [ingestId] })).rows);
  }
  return rows;
}

describe('ingestStore', () => {
  it('goes on after the last committed file, and gives the rows of an undisturbed ingest', async () => {
    await expect(run(() => reader({ layers: 0 }, 27))).rejects.toThrow('the disk went away');
    const { files, txns } = await lake.table('activations').snapshot();
    expect(files.size).toBeGreaterThan(3);
    expect(txns.get(`${ID}.0`)?.version).toBe(files.size - 1);
    const decoded = { layers: 0 };
    const store = await run(() => reader(decoded));
    expect(store).toMatchObject({
      ingestId: `${ID}.0`,
      nEntries: ENTRIES,
      nActivations: ENTRIES * LAYERS * TOKENS,
    });
    // What was committed was not decoded again.
    expect(decoded.layers).toBeLessThan((ENTRIES - 20) * LAYERS);
    const resumed = await contents(store.ingestId);
    const other = storeId('other content', DEFAULT_ACTIVATION_OPTIONS);
    const whole = await ingestStore(writer, other, async () => reader({ layers: 0 }), {
      activations: DEFAULT_ACTIVATION_OPTIONS,
      rowsOf: activationRows,
    });
    expect(resumed).toEqual(await contents(whole.ingestId));
  });

  it('reads a store once, and doubles nothing when two ingest it at the same time', async () => {
    const [a, b] = await Promise.all([run(() => reader({ layers: 0 })), run(() => reader({ layers: 0 }))]);
    expect(a.ingestId).toBe(b.ingestId);
    const decoded = { layers: 0 };
    expect(await run(() => reader(decoded))).toMatchObject({ nActivations: ENTRIES * LAYERS * TOKENS });
    expect(decoded.layers).toBe(0);
    const live = await contents(a.ingestId);
    expect(live).toMatchObject([{ length: ENTRIES * LAYERS * TOKENS }, { length: ENTRIES * 2 }]);
  });

  it('starts anew under another ingest id when rows of an unfinished or unreferenced ingest were cleaned away', async () => {
    await expect(run(() => reader({ layers: 0 }, 27))).rejects.toThrow();
    for (const table of ['activations', 'tokens']) {
      await compact(lake.table(table), { isCurrent: () => false, leaseMs: 0, now: () => Date.now() + 1_000 });
    }
    expect((await lake.table('activations').snapshot()).files.size).toBe(0);
    const store = await run(() => reader({ layers: 0 }));
    expect(store.ingestId).toBe(`${ID}.1`);
    expect(await contents(store.ingestId)).toMatchObject([
      { length: ENTRIES * LAYERS * TOKENS },
      { length: ENTRIES * 2 },
    ]);
  });
});

describe('storeId', () => {
  it('tells apart what is made of a store, not how it was asked for', () => {
    const id = (layers: number[] | undefined, tokens: 'all' | 'mean' = 'all') =>
      storeId('x', { tokens, sequence: 'recorded', ...(layers === undefined ? {} : { layers }) });
    expect(id([1, 2])).toBe(id([2, 1]));
    expect(
      new Set([id(undefined), id([1]), id([1], 'mean'), storeId('y', DEFAULT_ACTIVATION_OPTIONS)]).size,
    ).toBe(4);
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StoredBatch } from './batch.ts';
import { type GroupSize, RowGroups, type Span, spansInOrder } from './spans.ts';

const anyBatch = fc
  .record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    dim: fc.constantFrom(0, 1, 3, 10, 40),
    layers: fc.array(fc.nat(4), { maxLength: 30 }),
  })
  .map(
    ({ key, dim, layers }): StoredBatch => ({
      storeId: 's',
      ingestId: 'i',
      key,
      exampleId: null,
      modelId: null,
      site: 'resid_post',
      tokenSelector: 'all',
      dtype: 'float32',
      dim,
      rows: layers.length,
      vectors: new Float32Array(dim * layers.length),
      layer: Int32Array.from(layers),
      tokenIndex: new Int32Array(layers.length),
      segment: new Uint8Array(layers.length),
    }),
  );

function rowGroups(spans: readonly Span[], most: GroupSize): (readonly Span[])[] {
  const groups = new RowGroups(most);
  return [...spans.flatMap((span) => [...groups.add(span)]), ...groups.end()];
}

const rowsOf = (spans: readonly Span[]) =>
  spans.flatMap(({ batch, layer, start, end }) =>
    Array.from({ length: end - start }, (_, i) => ({ batch, layer, row: start + i })),
  );

it('row groups hold the rows in order, no more than they may, and end with a layer once half full', () => {
  const most = { rows: 12, values: 30 };
  fc.assert(
    fc.property(fc.array(anyBatch, { maxLength: 6 }), (batches) => {
      const spans = spansInOrder(batches);
      const groups = rowGroups(spans, most);
      expect(groups.flatMap(rowsOf)).toEqual(rowsOf(spans));
      for (const [i, group] of groups.entries()) {
        const rows = rowsOf(group);
        const values = rows.reduce((sum, { batch }) => sum + Math.max(1, batch.dim), 0);
        expect(rows.length).toBeGreaterThan(0);
        expect(rows.length).toBeLessThanOrEqual(most.rows);
        if (rows.length > 1) expect(values).toBeLessThanOrEqual(most.values);
        const [next] = groups[i + 1] ?? [];
        if (next === undefined) continue;
        const isHalfFull = 2 * rows.length >= most.rows || 2 * values >= most.values;
        const isFull = rows.length === most.rows || values + Math.max(1, next.batch.dim) > most.values;
        expect(isFull || (isHalfFull && next.layer !== rows.at(-1)?.layer)).toBe(true);
        // What is half full holds nothing of the layer after it.
        const layers = rows.map(({ layer }) => layer);
        const change = layers.findLastIndex((layer, row) => row > 0 && layer !== layers[row - 1]);
        if (change < 0) continue;
        const before = rows.slice(0, change);
        expect(2 * before.length).toBeLessThan(most.rows);
        expect(2 * before.reduce((sum, { batch }) => sum + Math.max(1, batch.dim), 0)).toBeLessThan(
          most.values,
        );
      }
    }),
    { numRuns: 300 },
  );
});

it('a file of the usual shape has one or two row groups for each layer', () => {
  const rows = 33 * 20;
  const batches = Array.from(
    { length: 25 },
    (_, key): StoredBatch => ({
      storeId: 's',
      ingestId: 'i',
      key: String(key).padStart(2, '0'),
      exampleId: null,
      modelId: null,
      site: 'resid_post',
      tokenSelector: 'all',
      dtype: 'float16',
      dim: 1024,
      rows,
      vectors: new Float32Array(0),
      layer: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 20)),
      tokenIndex: new Int32Array(rows),
      segment: new Uint8Array(rows),
    }),
  );
  const groups = rowGroups(spansInOrder(batches), { rows: 2_048, values: 1 << 19 });
  expect(groups.map((group) => new Set(group.map(({ layer }) => layer)).size)).toEqual(Array(33).fill(1));
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../limits/limits.ts';
import { FakeLake } from '../test-support/fake-lake.ts';
import { requestContext } from '../test-support/request-context.ts';
import { activationRow, generationRow, storeRow } from '../test-support/rows.ts';
import { compileVectors, forEachLayer } from './activation-vectors.ts';
import { compileOptions } from './execute.ts';
import type { VectorMemory } from './placed-vectors.ts';

/** Entries of two stores, some of them of several tokens; keys that sort unlike their numbers. */
const ROWS = Array.from({ length: 90 }, (_, i) => ({
  store: i % 3 === 0 ? 'a' : 'b',
  key: `k${(i * 37) % 45}`,
  layer: i % 2,
  token: i % 5 === 0 ? null : i,
  segment: i % 7 === 0 ? null : 'prompt',
}));

const valuesOf = (i: number) => [i, i / 2, -i];

let lake: FakeLake;
beforeAll(async () => {
  lake = await FakeLake.create({
    run_stores: [storeRow('r', 'a'), storeRow('r', 'b')],
    generations: Array.from({ length: 45 }, (_, i) =>
      generationRow('r', `e${i}`, { activation_key: `k${i}`, halu: i % 2 === 0, prompt: `p${i >> 2}` }),
    ),
    activations: ROWS.map(({ store, key, layer, token, segment }, i) => {
      const vector = Float32Array.from(valuesOf(i));
      const norm = Math.hypot(...vector);
      return activationRow(store, key, layer, { token_index: token, segment, vector, norm });
    }),
  });
});
afterAll(() => lake.connection.closeSync());

async function read(args: Record<string, unknown>, memory?: VectorMemory) {
  const context = requestContext(lake);
  const options = compileOptions(DEFAULT_LIMITS, { fragments: {}, variableValues: {} });
  const plan = compileVectors(options, args, { needsClass: false });
  const snapshot = await lake.snapshot();
  return forEachLayer(
    context,
    snapshot,
    plan,
    async ({ layer, rows, set }) => {
      const passes: number[][][] = [];
      for (let pass = 0; pass < 2; pass++) {
        const vectors: number[][] = [];
        for await (const { start, rows: count, data } of set.blocks()) {
          expect(start).toBe(vectors.length);
          for (let row = 0; row < count; row++)
            vectors.push([...data.subarray(row * set.dim, (row + 1) * set.dim)]);
        }
        passes.push(vectors);
      }
      return { layer, rows, passes };
    },
    memory,
  );
}

it.each([
  ['kept from one statement', undefined],
  ['kept from several statements', { kept: 2 ** 20, read: 12 * 7 }],
  ['read anew for every pass, some at a time', { kept: 0, read: 12 * 7 }],
  ['read anew, one at a time', { kept: 0, read: 1 }],
])('every row has its own vector: %s', async (_, memory) => {
  const layers = await read({ runIds: ['r'] }, memory);
  expect(layers.map(({ layer }) => layer)).toEqual([0, 1]);
  for (const { layer, rows, passes } of layers) {
    expect(rows).toHaveLength(45);
    const expected = rows.map((row) => {
      const i = ROWS.findIndex(
        ({ store, key, layer: own, token, segment }) =>
          own === layer &&
          store === row.storeId &&
          key === row.activationKey &&
          token === row.tokenIndex &&
          segment === row.segment,
      );
      return valuesOf(i);
    });
    expect(passes).toEqual([expected, expected]);
    const sorted = rows.map(({ storeId, activationKey }) => `${storeId} ${activationKey}`);
    expect(sorted).toEqual([...sorted].sort());
    for (const { activationKey, halu, group, positive } of rows) {
      expect(halu).toBe(Number(activationKey.slice(1)) % 2 === 0);
      expect(positive).toBe(halu ? 1 : 0);
      // Prompts have one MD5 each.
      expect(group).toMatch(/^[0-9a-f]{32}$/);
    }
  }
});

it('only wanted vectors leave the engine', async () => {
  const before = lake.statements.length;
  const [layer] = await read({ runIds: ['r'], halu: true, layers: [1] });
  const given = lake.statements.slice(before).filter(({ sql }) => sql.includes('t.vector FROM'));
  expect(given).toHaveLength(1);
  expect(given[0]!.options.params?.[0]).toHaveLength(layer!.rows.length);
});

it('a vector without the numbers that its row promises is an error', async () => {
  const broken = await FakeLake.create({
    activations: [activationRow('s', 'k', 0, { dim: 4, norm: 1 })],
  });
  const context = requestContext(broken);
  const options = compileOptions(DEFAULT_LIMITS, { fragments: {}, variableValues: {} });
  const plan = compileVectors(options, {}, { needsClass: false });
  const reading = forEachLayer(context, await broken.snapshot(), plan, async ({ set }) => {
    for await (const _ of set.blocks());
  });
  await expect(reading).rejects.toThrow('the vector of k in layer 0 has not the 4 numbers');
  expect(broken.held).toBe(0);
  broken.connection.closeSync();
});

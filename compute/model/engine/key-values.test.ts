import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { RowKeyValues } from './key-values.ts';

const sizes = { layers: 2, keyValueHeads: 2, headDim: 3 };

/** Appends, and selections of rows, of three rows at the start. */
const steps = fc.array(
  fc.oneof(
    fc.record({ append: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 12, maxLength: 12 }) }),
    fc.record({ select: fc.array(fc.nat(11), { minLength: 1, maxLength: 4 }) }),
  ),
  { maxLength: 8 },
);

describe("keys and values of a row's own", () => {
  it('hold, a row, what was appended to it, through growth and selection', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const kept = new RowKeyValues(sizes, 3);
        /** Marks of the tokens a row should hold; unique over the whole run. */
        let model: number[][] = [[], [], []];
        let mark = 0;
        for (const step of list) {
          if ('select' in step) {
            const rows = step.select.map((row) => row % model.length);
            kept.select(rows);
            model = rows.map((row) => [...model[row]!]);
            continue;
          }
          const counts = model.map((_, row) => step.append[row]!);
          const rows = model.length;
          const tokens = Math.max(1, ...counts);
          const shape = [sizes.keyValueHeads, rows, tokens, sizes.headDim];
          const start = mark;
          const value = (layer: number, part: number, head: number, row: number, token: number) =>
            (start + row * tokens + token) * 100 + layer * 10 + head * 2 + part;
          const tensor = (layer: number, part: number) => ({
            shape,
            data: Float32Array.from({ length: 2 * rows * tokens * 3 }, (_, i) => {
              const at = Math.floor(i / 3);
              return value(
                layer,
                part,
                Math.floor(at / (rows * tokens)),
                Math.floor(at / tokens) % rows,
                at % tokens,
              );
            }),
          });
          kept.append(
            [0, 1].map((layer) => ({ keys: tensor(layer, 0), values: tensor(layer, 1) })),
            counts,
          );
          for (const [row, count] of counts.entries()) {
            for (let token = 0; token < count; token++) model[row]!.push(start + row * tokens + token);
          }
          mark += rows * tokens;
        }
        expect(kept.lengths).toEqual(model.map((row) => row.length));
        for (const [layer, { keys, values }] of kept.layers.entries()) {
          for (const [part, { data, shape }] of [keys, values].entries()) {
            expect(shape).toEqual([2, model.length, kept.capacity, 3]);
            for (const head of [0, 1]) {
              for (const [row, marks] of model.entries()) {
                const from = (head * model.length + row) * kept.capacity * 3;
                const held = data.subarray(from, from + marks.length * 3);
                expect([...held]).toEqual(
                  marks.flatMap((one) => Array<number>(3).fill(one * 100 + layer * 10 + head * 2 + part)),
                );
              }
            }
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it('refuses other rows', () => {
    const kept = new RowKeyValues(sizes, 1);
    expect(() => kept.append([], [1])).toThrow(InvalidArgumentError);
    expect(() => kept.select([1])).toThrow(InvalidArgumentError);
  });
});

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

  it('gathers rows of several', () => {
    const filled = (rows: number, mark: number, counts: readonly number[]) => {
      const values = new RowKeyValues(sizes, rows);
      const tokens = Math.max(...counts);
      const shape = [sizes.keyValueHeads, rows, tokens, sizes.headDim];
      const tensor = () => ({
        shape,
        data: Float32Array.from({ length: 2 * rows * tokens * 3 }, (_, i) => mark + i),
      });
      values.append(
        [0, 1].map(() => ({ keys: tensor(), values: tensor() })),
        counts,
      );
      return values;
    };
    /** The first number of every token of a row's last head. */
    const tokensOf = (values: RowKeyValues, row: number) => {
      const rows = values.lengths.length;
      const { data } = values.layers[1]!.values;
      return Array.from({ length: values.lengths[row]! }, (_, token) => {
        return data[((rows + row) * values.capacity + token) * sizes.headDim];
      });
    };
    const left = filled(2, 1000, [40, 3]);
    const right = filled(3, 5000, [1, 2, 0]);
    const gathered = RowKeyValues.gather([
      { from: left, rows: [1] },
      { from: right, rows: [1, 1, 2] },
      { from: left, rows: [0] },
    ]);
    expect(gathered.lengths).toEqual([3, 2, 2, 0, 40]);
    expect(gathered.capacity).toBeGreaterThan(40);
    const sources = [tokensOf(left, 1), tokensOf(right, 1), tokensOf(right, 1), [], tokensOf(left, 0)];
    expect(gathered.lengths.map((_, row) => tokensOf(gathered, row))).toEqual(sources);
    expect(() => RowKeyValues.gather([{ from: left, rows: [2] }])).toThrow(InvalidArgumentError);
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { logitDirection, normScale, throughProjection } from './attribution.ts';

const HIDDEN = 5;
const WIDTH = 6;
const floats = (length: number) =>
  fc
    .array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => Float32Array.from(values));

it('parts of the residual stream add up to the logit', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('rms', 'layer'),
      floats(HIDDEN),
      floats(HIDDEN),
      floats(HIDDEN),
      floats(HIDDEN * WIDTH),
      floats(WIDTH),
      (kind, gain, row, rest, matrix, values) => {
        const unembedding = { norm: { kind, epsilon: 0.1 }, gain, rows: new Map([[3, row]]) } as const;
        const written = Float64Array.from(rest, (_, i) =>
          values.reduce((sum, value, j) => sum + matrix[i * WIDTH + j]! * value, 0),
        );
        const residual = Float32Array.from(rest, (value, i) => value + written[i]!);

        const mean = kind === 'layer' ? residual.reduce((a, b) => a + b, 0) / HIDDEN : 0;
        const square = residual.reduce((sum, value) => sum + (value - mean) ** 2, 0) / HIDDEN;
        const logit = residual.reduce(
          (sum, value, i) => sum + (row[i]! * gain[i]! * (value - mean)) / Math.sqrt(square + 0.1),
          0,
        );

        const scale = normScale(unembedding, residual);
        const direction = logitDirection(unembedding, 3);
        const projection = { matrix, bias: undefined, hidden: HIDDEN, width: WIDTH };
        const weights = throughProjection(projection, direction);
        const ofHeads = values.reduce((sum, value, j) => sum + value * weights[j]!, 0) / scale;
        const ofRest = rest.reduce((sum, value, i) => sum + value * direction[i]!, 0) / scale;
        expect(ofHeads + ofRest).toBeCloseTo(logit, 3);
      },
    ),
  );
});

import type { ComputeType } from '../components/weights.ts';
import type { Row } from './batch.ts';
import { RowKeyValues } from './key-values.ts';
import type { Model, ModelIdentity } from './model.ts';

/** An identity that must hold of any model, and by how much it was missed. */
export interface CheckOutcome {
  readonly name: string;
  /** Largest absolute difference of logits or residuals. */
  readonly difference: number;
  readonly tolerance: number;
  readonly passed: boolean;
}

/** Whether a model computes consistently on a provider. Holds for exactly this combination. */
export interface ModelVerdict extends ModelIdentity {
  readonly checks: readonly CheckOutcome[];
  readonly passed: boolean;
}

/** Difference allowed, as a part of the largest value compared: a few hundred roundings of the type. */
const tolerances: Readonly<Record<ComputeType, number>> = { float32: 2e-5, float16: 1e-2, bfloat16: 5e-2 };

const LENGTH = 24;

/** Tokens all over the vocabulary, the same in every call. */
function sampleTokens(vocabulary: number, length: number, salt: number): number[] {
  let state = 12_345 + salt;
  return Array.from({ length }, () => {
    // The generator of Numerical Recipes; its low bits are poor, so the high ones choose.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabulary);
  });
}

/** The largest difference of two lists of numbers, NaN where there is one, and the largest number expected. */
function compare(
  values: readonly Float32Array[],
  expected: readonly Float32Array[],
): { readonly difference: number; readonly scale: number } {
  let difference = 0;
  let scale = 0;
  for (const [i, value] of values.entries()) {
    for (const [j, x] of value.entries()) {
      const gap = Math.abs(x - expected[i]![j]!);
      if (Number.isNaN(gap)) return { difference: gap, scale };
      difference = Math.max(difference, gap);
      scale = Math.max(scale, Math.abs(expected[i]![j]!));
    }
  }
  return { difference, scale };
}

/**
 * The checks that need no reference: identities between different ways of computing the same number. Together they find
 * wrong wiring of masks, positions, prefix, interventions and kernels; that the numbers are the model's is shown
 * apart, by parity with transformers.
 */
export async function checkModel(model: Model, signal?: AbortSignal): Promise<ModelVerdict> {
  const { info } = model;
  const length = Math.min(LENGTH, Math.floor(info.contextLength / 2));
  const tokens = sampleTokens(info.vocabulary, length, 0);
  const { residual: points, heads: layers } = info.taps;
  const capture = { logits: true, residual: points, heads: layers };
  const baseline = await model.forward({ rows: [{ tokens }], capture });
  const checks: CheckOutcome[] = [];

  const outcome = (name: string, values: readonly Float32Array[], expected: readonly Float32Array[]) => {
    const { difference, scale } = compare(values, expected);
    const tolerance = tolerances[info.compute] * Math.max(1, scale);
    checks.push({ name, difference, tolerance, passed: difference <= tolerance });
    signal?.throwIfAborted();
  };
  const valuesOf = (result: typeof baseline, row = 0, taps = points) => {
    const vocabulary = info.vocabulary;
    return [
      result.logits!.data.subarray(row * vocabulary, (row + 1) * vocabulary),
      ...taps.map((point) =>
        result.residual.get(point)!.data.subarray(row * info.hidden, (row + 1) * info.hidden),
      ),
    ];
  };
  const expected = valuesOf(baseline);

  if (length >= 2) {
    const cut = length >> 1;
    const prefix = await model.prefill(tokens.slice(0, cut));
    const behind = await model.forward({ rows: [{ tokens: tokens.slice(cut) }], capture }, { prefix });
    outcome('full pass = prefix pass', valuesOf(behind), expected);

    const past = new RowKeyValues(model.keyValueSizes, 1);
    await model.forward({ rows: [{ tokens: tokens.slice(0, cut) }], capture: {} }, { past });
    const stepped = await model.forward({ rows: [{ tokens: tokens.slice(cut) }], capture }, { past });
    outcome('full pass = pass in steps', valuesOf(stepped), expected);
  }

  const noise = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i) * 100);
  const tables = {
    headTables: [noise(info.layers * info.heads * info.headDim)],
    residualTables: [noise((info.layers + 1) * info.hidden)],
  };
  const neutral: Row = {
    tokens,
    editAt: 'all',
    replace: { table: 0, heads: [] },
    add: { table: 0, points: points.map((point) => ({ point, scale: 0 })) },
  };
  outcome(
    'neutral edit = baseline',
    valuesOf(await model.forward({ rows: [neutral], ...tables, capture })),
    expected,
  );

  const own = new Float32Array(info.layers * info.heads * info.headDim);
  for (const [layer, { data }] of baseline.heads) own.set(data, layer * info.heads * info.headDim);
  const everyHead = layers.flatMap((layer) =>
    Array.from({ length: info.heads }, (_, head) => ({ layer, head })),
  );
  const replaced = await model.forward({
    rows: [{ tokens, replace: { table: 0, heads: everyHead } }],
    headTables: [own],
    capture,
  });
  outcome('own heads put back = baseline', valuesOf(replaced), expected);

  if (info.layers >= 2) {
    const point = info.layers >> 1;
    const changed: Row = {
      tokens,
      replace: { table: 0, heads: everyHead.filter(({ layer }) => layer >= point) },
    };
    const late: Row = { ...changed, from: { row: 0, point } };
    const logits = async (rows: readonly Row[], row: number) =>
      valuesOf(
        await model.forward({ rows, headTables: tables.headTables, capture: { logits: true } }),
        row,
        [],
      );
    outcome(
      'begun late = from the beginning',
      await logits([{ tokens }, late], 1),
      await logits([changed], 0),
    );
  }

  const others = [2 * length, 1, length].map((count, i) => ({
    tokens: sampleTokens(info.vocabulary, count, i + 1),
  }));
  const edited: Row = { ...others[0]!, replace: { table: 0, heads: everyHead } };
  const batched = await model.forward({
    rows: [edited, others[1]!, { tokens }, others[2]!],
    headTables: [own],
    capture,
  });
  outcome('alone = in a batch', valuesOf(batched, 2), expected);

  return {
    ...(await model.identity(signal)),
    checks,
    passed: checks.every((check) => check.passed),
  };
}

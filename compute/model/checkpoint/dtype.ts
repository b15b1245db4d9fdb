import type { DType } from '../../../ingest/formats/tensor/dtype.ts';

/** Element types of weights the engine reads, by their name in a safetensors header. */
export const weightTypes = {
  F32: { dtype: 'float32', bytes: 4 },
  F16: { dtype: 'float16', bytes: 2 },
  BF16: { dtype: 'bfloat16', bytes: 2 },
} as const satisfies Record<string, { readonly dtype: DType; readonly bytes: number }>;

export type WeightType = (typeof weightTypes)[keyof typeof weightTypes]['dtype'];

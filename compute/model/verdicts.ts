import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ObjectNotFoundError, type ObjectStore } from '../../lake/store/object-store.ts';
import type { ModelVerdict } from './engine/checks.ts';
import type { ModelIdentity } from './engine/model.ts';

/** A verdict as it lies in the bucket: with who came to it, for people. */
export interface StoredVerdict extends ModelVerdict {
  /** Name of the model for those who checked it. */
  readonly name: string;
  readonly modelType: string;
  /** ISO 8601. */
  readonly checkedAt: string;
  /** Host name of the machine. */
  readonly machine: string;
}

const indices = z.array(z.int().nonnegative());

const verdictSchema: z.ZodType<StoredVerdict> = z.object({
  modelHash: z.string(),
  graphVersion: z.int(),
  provider: z.enum(['cpu', 'cuda', 'webgpu']),
  compute: z.enum(['float32', 'float16', 'bfloat16']),
  runtime: z.string(),
  taps: z.object({ residual: indices, heads: indices }),
  checks: z.array(
    z.object({
      name: z.string(),
      // JSON has no NaN, which is what a model of NaNs differs by.
      difference: z
        .number()
        .nullable()
        .transform((value) => value ?? Number.NaN),
      tolerance: z.number(),
      passed: z.boolean(),
    }),
  ),
  passed: z.boolean(),
  name: z.string(),
  modelType: z.string(),
  checkedAt: z.string(),
  machine: z.string(),
});

const PREFIX = 'models/';

/** `models/<hash>/checks/<provider>-<compute>-graph<version>-onnxruntime<version>-<taps>.json`. */
function verdictKey({ modelHash, graphVersion, provider, compute, runtime, taps }: ModelIdentity): string {
  const values = createHash('sha256')
    .update(JSON.stringify([taps.residual, taps.heads]))
    .digest('hex')
    .slice(0, 12);
  const combination = `${provider}-${compute}-graph${graphVersion}-onnxruntime${runtime}-${values}`;
  return `${PREFIX}${modelHash}/checks/${combination}.json`;
}

/** Stores a verdict; it replaces an earlier one about the same combination. */
export async function writeVerdict(
  store: ObjectStore,
  verdict: StoredVerdict,
  signal?: AbortSignal,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(verdict, null, 2)}\n`);
  await store.put(verdictKey(verdict), body, signal === undefined ? {} : { signal });
}

/** What is known of a combination. A document that cannot be read counts as none: the model is checked again. */
export function readVerdict(
  store: ObjectStore,
  identity: ModelIdentity,
  signal?: AbortSignal,
): Promise<StoredVerdict | undefined> {
  return verdictAt(store, verdictKey(identity), signal);
}

/** Every verdict of the lake, by model. */
export async function listVerdicts(store: ObjectStore, signal?: AbortSignal): Promise<StoredVerdict[]> {
  const verdicts: StoredVerdict[] = [];
  for await (const { key } of store.list({ prefix: PREFIX, ...(signal && { signal }) })) {
    if (!/^models\/[0-9a-f]{64}\/checks\/[^/]+\.json$/.test(key)) continue;
    const verdict = await verdictAt(store, key, signal);
    if (verdict !== undefined) verdicts.push(verdict);
  }
  return verdicts;
}

async function verdictAt(
  store: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): Promise<StoredVerdict | undefined> {
  try {
    const bytes = await store.get(key, signal === undefined ? {} : { signal });
    const parsed = verdictSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { openTree } from '../../../ingest/pipeline/tree.ts';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { ObjectNotFoundError } from '../../../lake/store/object-store.ts';
import {
  ONNX_FILE,
  PROBE_FILE,
  type ProbeDocument,
  type StoredProbe,
  storedProbeSchema,
} from './probe-document.ts';

/** A probe of the widest of models takes a hundredth of it. */
const MAX_BYTES = 16 * 2 ** 20;

interface ReadOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * The direction of the probe of a run whose artifacts lie at `sourceUri`; undefined where there is none, or none that is whole.
 * @throws InvalidArgumentError when the probe is a network, which has none; StoreError when the artifacts cannot be read
 */
export async function readProbe(sourceUri: string, options: ReadOptions): Promise<ProbeDocument | undefined> {
  const probe = await readStoredProbe(sourceUri, options);
  if (probe?.kind !== 'network') return probe;
  throw new InvalidArgumentError(`the probe of ${sourceUri} is a network: it has no direction`, {
    expected: 'the run of a logistic regression',
    remedy: `score activations with its ${ONNX_FILE}`,
  });
}

/** The probe of a run, of any kind; undefined where there is none, or none that is whole. @throws StoreError */
export async function readStoredProbe(
  sourceUri: string,
  { env, signal }: ReadOptions,
): Promise<StoredProbe | undefined> {
  const { store, prefix } = await openTree(sourceUri, env);
  try {
    const range = { start: 0, end: MAX_BYTES };
    const bytes = await store.get(`${prefix}/${PROBE_FILE}`, { range, signal });
    const probe = storedProbeSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return probe.kind === 'network' || probe.weights.length === probe.dim ? probe : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined;
    throw error;
  }
}

/** The file of a probe; undefined where it is not the one that the probe names. @throws StoreError */
export async function readOnnx(
  sourceUri: string,
  { onnx }: StoredProbe,
  { env, signal }: ReadOptions,
): Promise<Uint8Array | undefined> {
  const { store, prefix } = await openTree(sourceUri, env);
  const key = `${prefix}/${ONNX_FILE}`;
  if ((await store.head(key, { signal })) === undefined) return undefined;
  const bytes = await store.get(key, { signal });
  return createHash('sha256').update(bytes).digest('hex') === onnx?.sha256 ? bytes : undefined;
}

import { z } from 'zod';
import { openTree } from '../../../ingest/pipeline/tree.ts';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { ObjectNotFoundError } from '../../../lake/store/object-store.ts';
import { ONNX_FILE, PROBE_FILE, type ProbeDocument, storedProbeSchema } from './probe-document.ts';

/** A probe of the widest of models takes a hundredth of it. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * The direction of the probe of a run whose artifacts lie at `sourceUri`; undefined where there is none, or none that is whole.
 * @throws InvalidArgumentError when the probe is a network, which has none; StoreError when the artifacts cannot be read
 */
export async function readProbe(
  sourceUri: string,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<ProbeDocument | undefined> {
  const { store, prefix } = await openTree(sourceUri, env);
  try {
    const range = { start: 0, end: MAX_BYTES };
    const bytes = await store.get(`${prefix}/${PROBE_FILE}`, { range, signal });
    const probe = storedProbeSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (probe.kind === 'network')
      throw new InvalidArgumentError(`the probe of ${sourceUri} is a network: it has no direction`, {
        expected: 'the run of a logistic regression',
        remedy: `score activations with its ${ONNX_FILE}`,
      });
    return probe.weights.length === probe.dim ? probe : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined;
    throw error;
  }
}

import { z } from 'zod';
import { openTree } from '../../../ingest/pipeline/tree.ts';
import { ObjectNotFoundError } from '../../../lake/store/object-store.ts';
import { PROBE_FILE, type ProbeDocument, probeDocumentSchema } from './probe-document.ts';

/** A probe of the widest of models takes a hundredth of it. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * The probe of a run whose artifacts lie at `sourceUri`; undefined where there is none, or none that is whole.
 * @throws StoreError when the artifacts cannot be read
 */
export async function readProbe(
  sourceUri: string,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<ProbeDocument | undefined> {
  const { store, prefix } = await openTree(sourceUri, env);
  try {
    const range = { start: 0, end: MAX_BYTES };
    const bytes = await store.get(`${prefix}/${PROBE_FILE}`, { range, signal });
    const probe = probeDocumentSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return probe.weights.length === probe.dim ? probe : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined;
    throw error;
  }
}

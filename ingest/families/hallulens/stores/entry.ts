import type { JsonObject } from '../../../contracts/json-value.ts';
import type {
  Issue,
  LayerValues,
  SequenceSelection,
  SiteVectors,
  StoreEntry,
  StoreEntryInfo,
} from '../../../family.ts';
import { FormatError } from '../../../formats/errors.ts';
import type { Tensor } from '../../../formats/tensor/tensor.ts';
import { jsonText } from '../../../run-files/json-text.ts';

/** Site of the vectors that the loggers record: the residual stream after each block. */
export const SITE = 'resid_post';

/** What a store recorded: prompt and response, or one of them. */
export type SequenceMode = 'all' | 'prompt' | 'response';

/** The mode that a metadata value names, undefined for anything else. */
export function sequenceMode(value: unknown): SequenceMode | undefined {
  return value === 'all' || value === 'prompt' || value === 'response' ? value : undefined;
}

/** Which tokens of a recorded sequence become rows: `[start, end)`. */
export interface SequenceCut {
  readonly start: number;
  readonly end: number;
  /** Tokens of the cut that belong to the prompt; undefined where unknown. */
  readonly promptTokens: number | undefined;
}

/**
 * Cuts a recorded sequence of `total` tokens, the first `promptTokens` of which are the prompt's. Where that is
 * unknown the sequence stays whole.
 */
export function cutSequence(
  total: number,
  promptTokens: number | undefined,
  selection: SequenceSelection,
): SequenceCut {
  if (promptTokens === undefined) return { start: 0, end: total, promptTokens };
  const prompt = Math.min(promptTokens, total);
  if (selection === 'prompt') return { start: 0, end: prompt, promptTokens: prompt };
  if (selection === 'response') return { start: prompt, end: total, promptTokens: 0 };
  return { start: 0, end: total, promptTokens: prompt };
}

/**
 * A layer's tensor as tokens x dim: the loggers keep a leading batch axis of one.
 * @throws FormatError `UNSUPPORTED` for another shape
 */
export function asTokens(tensor: Tensor): Tensor {
  const { shape } = tensor;
  if (shape.length === 2) return tensor;
  if (shape.length === 3 && shape[0] === 1) return tensor.select(0, 0);
  throw new FormatError('UNSUPPORTED', `a layer of shape (${shape.join(', ')})`, {
    expected: '(tokens, hidden) or (1, tokens, hidden)',
  });
}

/** Decodes the cut of a layer. */
export function layerValues(tensor: Tensor, cut: SequenceCut): LayerValues {
  const tokens = asTokens(tensor);
  const end = Math.min(cut.end, tokens.shape[0]!);
  const start = Math.min(cut.start, end);
  const part = tokens.narrow(0, start, end - start);
  return { values: part.toFloats(), tokens: end - start, dim: tokens.shape[1]!, dtype: tensor.dtype };
}

/** Where a reader collects what is wrong with a store. */
export interface StoreProblems {
  readonly issues: Issue[];
  readonly damaged: string[];
}

/** A place for the problems of one store. */
export function storeProblems(): StoreProblems {
  return { issues: [], damaged: [] };
}

const MAX_ISSUES = 1000;

/** Adds an issue unless the store has had very many. */
export function report(problems: StoreProblems, issue: Issue): void {
  if (problems.issues.length < MAX_ISSUES) problems.issues.push(issue);
}

/** Notes an entry that cannot be read; rethrows what is no damage. */
export function noteDamage(problems: StoreProblems, file: string, key: string, error: unknown): void {
  if (!(error instanceof FormatError)) throw error;
  problems.damaged.push(key);
  const message = `entry ${key} cannot be read: ${error.message}`;
  report(problems, { severity: 'error', code: 'ACTIVATION_ENTRY_UNREADABLE', file, message });
}

/** The entry with a layer that cannot be read left out and noted, instead of an exception in whoever asks for it. */
export function guarded(problems: StoreProblems, file: string, entry: StoreEntry): StoreEntry {
  const guard = <T extends SiteVectors>(vectors: T): T => ({
    ...vectors,
    async layer(index: number, signal?: AbortSignal) {
      try {
        return await vectors.layer(index, signal);
      } catch (error) {
        if (problems.damaged.at(-1) === entry.key && error instanceof FormatError) return undefined;
        noteDamage(problems, file, entry.key, error);
        return undefined;
      }
    },
  });
  const { otherSites } = entry;
  return { ...guard(entry), ...(otherSites === undefined ? {} : { otherSites: otherSites.map(guard) }) };
}

/** Members of an entry that have a place of their own in `StoreEntryInfo`. */
export const INFO_KEYS: ReadonlySet<string> = new Set([
  'prompt',
  'response',
  'all_layers_activations',
  'activations',
]);

/** What a store's JSON record says about an entry. */
export function recordInfo(key: string, record: JsonObject, hasActivations: boolean): StoreEntryInfo {
  const text = (member: string): string | null => {
    const value = record[member];
    return typeof value === 'string' ? value : null;
  };
  const meta = Object.fromEntries(Object.entries(record).filter(([member]) => !INFO_KEYS.has(member)));
  return {
    key,
    exampleId: text('example_id'),
    modelId: text('model_id') ?? text('model'),
    prompt: text('prompt'),
    response: text('response'),
    hasActivations,
    meta: jsonText(meta),
  };
}

/** An entry that has text only: no layer is ever recorded. */
export function textOnlyEntry(info: StoreEntryInfo) {
  return {
    ...info,
    site: SITE,
    layerCount: 0,
    promptTokens: undefined,
    firstToken: 0,
    tokenRecords: [],
    layer: async () => undefined,
  };
}

/** Name of a store in issues: the last component of its key. */
export function storeName(root: string): string {
  return root.slice(root.lastIndexOf('/') + 1);
}

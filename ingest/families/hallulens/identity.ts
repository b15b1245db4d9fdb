import { createHash } from 'node:crypto';
import { afterLast } from '../../discovery/path.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const SEED = /^seed_(-?\d+)$/;

/** What the directory names of a contract run say. */
export interface ContractPath {
  readonly date: string;
  readonly method: string;
  readonly modelSlug: string;
  readonly benchmark: string;
  readonly seed: bigint;
}

/** Reads `{date}/{method}/{model}/{benchmark}/seed_{n}` from the end of a path; undefined when it is not there. */
export function parseContractPath(path: readonly string[]): ContractPath | undefined {
  const [date, method, modelSlug, benchmark, seedName] = path.slice(-5);
  const seed = SEED.exec(seedName ?? '')?.[1];
  if (date === undefined || !DATE.test(date) || seed === undefined) return undefined;
  if (method === undefined || modelSlug === undefined || benchmark === undefined) return undefined;
  return { date, method, modelSlug, benchmark, seed: BigInt(seed) };
}

/** The seed that a path ends with. */
export function parseSeedDirectory(path: readonly string[]): bigint | undefined {
  const seed = SEED.exec(path.at(-1) ?? '')?.[1];
  return seed === undefined ? undefined : BigInt(seed);
}

/** File-system-safe form of a model id, as the contract has it. */
export function modelSlug(modelId: string): string {
  return modelId.replaceAll('/', '__');
}

/** The part of a path that identifies a contract run. */
export function contractIdentity(path: readonly string[]): string {
  if (parseContractPath(path) !== undefined) return path.slice(-5).join('/');
  return (afterLast(path, ['runs']) ?? path.slice(-5)).join('/');
}

/** `<experiment>/<dataset>/<method>[/seed_<n>]`. */
export function runnerIdentity(path: readonly string[]): string {
  const length = parseSeedDirectory(path) === undefined ? 3 : 4;
  return path.slice(-length).join('/');
}

/** `output/<task>/<model>`. */
export function outputIdentity(path: readonly string[]): string {
  return `output/${path.slice(-2).join('/')}`;
}

/** A capture directory: `icr_capture/<name>`. */
export function captureIdentity(path: readonly string[]): string {
  return `icr_capture/${path.slice(-1).join('/')}`;
}

/** A store that no run refers to: its path below `activations`, else its last two components. */
export function storeIdentity(path: readonly string[]): string {
  return `stores/${(afterLast(path, ['activations', 'lmdb_data']) ?? path.slice(-2)).join('/')}`;
}

/**
 * The contract's recipe for an example's id: SHA-256 of benchmark, split, prompt, model id and seed written one
 * after the other without a separator. The canonical prompt is the exact text that was sent to the model.
 */
export function recipeExampleId(
  benchmark: string,
  split: string,
  prompt: string,
  modelId: string,
  seed: bigint | number | null,
): string {
  return createHash('sha256')
    .update(`${benchmark}${split}${prompt}${modelId}${seed ?? ''}`)
    .digest('hex');
}

/** Key of a prompt's activations: SHA-256 of its UTF-8 bytes. */
export function promptHash(prompt: string): string {
  return createHash('sha256').update(prompt).digest('hex');
}

import { parseIsoTime } from '../../contracts/scalars.ts';
import { afterLast } from '../../discovery/path.ts';

const RUN_NAME = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z_(.+)$/s;

/** Providers whose names begin a run's name; what follows is the model, its `/` written `_`. `onnx` is our own. */
const PROVIDERS = ['ollama', 'openai', 'anthropic', 'gemini', 'deepseek', 'openrouter', 'groq', 'onnx'];

/** A path longer than this is no directory of any system. */
const MAX_PATH = 4096;

/** What the name of a run says: `<UTC start>_<provider>_<model>`. */
export interface RunName {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** Microseconds since the epoch. */
  readonly startedAt: bigint | undefined;
  readonly model: string;
}

/** Reads a run's name; undefined when it is none. */
export function parseRunName(name: string): RunName | undefined {
  const parts = RUN_NAME.exec(name);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, made] = parts;
  const date = `${year}-${month}-${day}`;
  const provider = PROVIDERS.find((candidate) => made!.startsWith(`${candidate}_`));
  return {
    date,
    startedAt: parseIsoTime(`${date}T${hour}:${minute}:${second}Z`),
    model: provider === undefined ? made! : made!.slice(provider.length + 1),
  };
}

/** Provider and model of a manifest's `provider`; the mock provider is its own model. */
export function splitProvider(provider: string): { readonly provider: string; readonly model: string } {
  const slash = provider.indexOf('/');
  return slash === -1
    ? { provider, model: provider }
    : { provider: provider.slice(0, slash), model: provider.slice(slash + 1) };
}

/** The part of a path that identifies a run: what follows `runs`, else its last two components. */
export function runIdentity(path: readonly string[]): string {
  return (afterLast(path, ['runs']) ?? path.slice(-2)).join('/');
}

/**
 * Whether a directory bears a run's name. File systems that know no `:` and uploads that escape it change nothing.
 */
export function bearsName(directory: string, runId: string): boolean {
  const fold = (name: string): string => name.replaceAll(/:|%3A/gi, '_');
  return fold(directory) === fold(runId);
}

/**
 * The directory that a published one was copied from, as its receipt has it: components of an absolute path. Undefined
 * when the receipt does not name the directory of the run that it is about.
 */
export function sourceDirectory(sourceRunDir: string, runId: string): readonly string[] | undefined {
  if (sourceRunDir.length > MAX_PATH) return undefined;
  const path = sourceRunDir.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
  const name = path.at(-1);
  if (name === undefined || !bearsName(name, runId) || path.includes('..')) return undefined;
  return path;
}

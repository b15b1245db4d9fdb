import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { messageOf } from '../../../lake/errors.ts';
import { type Provider, type ProviderName, providers } from './providers.ts';

const outcomeSchema = z.object({
  /** Version of ONNX Runtime. */
  runtime: z.string(),
  /** Why it does not load; null when it does. */
  error: z.string().nullable(),
});
export type TrialOutcome = z.infer<typeof outcomeSchema>;

/** Whether an execution provider loads and computes on this machine. */
export interface ProviderTrial {
  readonly name: ProviderName;
  readonly loads: boolean;
  /** Why it does not. */
  readonly reason: string | null;
  /** What it needs. */
  readonly needs: string;
  /** Version of ONNX Runtime, where even that could be loaded. */
  readonly runtime: string | null;
}

export interface TrialOptions {
  /** The compiled provider-trial.ts; default: the one beside this module. */
  readonly script?: string;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const MAX_REASON = 500;

/** Tries every provider, each in a process of its own, so that a library that crashes takes nothing with it. */
export function tryProviders(options: TrialOptions = {}): Promise<ProviderTrial[]> {
  return Promise.all(providers.map((provider) => tryProvider(provider, options)));
}

async function tryProvider(
  { name, needs, environment }: Provider,
  { script, timeoutMs = TIMEOUT_MS }: TrialOptions,
): Promise<ProviderTrial> {
  const path = script ?? fileURLToPath(new URL('./provider-trial.js', import.meta.url));
  const env = { ...process.env, ...environment };
  const { error, stdout, stderr } = await new Promise<{
    error: Error | null;
    stdout: string;
    stderr: string;
  }>((done) => {
    execFile(process.execPath, [path, name], { env, timeout: timeoutMs, killSignal: 'SIGKILL' }, (...ended) =>
      done({ error: ended[0], stdout: ended[1], stderr: ended[2] }),
    );
  });
  const outcome = outcomeOf(stdout);
  const runtime = outcome?.runtime ?? null;
  if (outcome?.error === null) return { name, loads: true, reason: null, needs, runtime };
  const what = outcome === undefined ? endOf(error) : plain(outcome.error);
  const reason = [what, hintOf(stderr)].filter((part) => part !== undefined).join('; ');
  return { name, loads: false, reason: reason.slice(0, MAX_REASON), needs, runtime };
}

/** An error of ONNX Runtime in one line, without the place in its sources where it comes from. */
function plain(error: string): string {
  const line = error.replaceAll(/\s+/g, ' ').trim();
  const inner = /^the provider \w+ does not load \(\w+: (.*?) ?\)$/.exec(line)?.[1] ?? line;
  return inner.replace(/^\/\S+:\d+ .* was false\. /, '');
}

/** What native libraries write to the standard error says more than their errors: which file is missing, which feature. */
function hintOf(stderr: string): string | undefined {
  const missing = /([^\s/]+\.so[.\d]*): cannot open shared object file/.exec(stderr)?.[1];
  if (missing !== undefined) return `${missing} is missing`;
  // The last word: what comes before is tried in vain.
  return [...stderr.matchAll(/^(?:Warning|Error): (.+)$/gim)].at(-1)?.[1];
}

function outcomeOf(stdout: string): TrialOutcome | undefined {
  try {
    return outcomeSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  } catch {
    return undefined;
  }
}

/** How a process ended that gave no answer. */
function endOf(error: Error | null): string {
  if (error === null) return 'it said nothing';
  const signal = 'signal' in error ? error.signal : undefined;
  if ('killed' in error && error.killed === true) return 'it did not answer in time';
  return typeof signal === 'string' ? `its process ended with ${signal}` : messageOf(error).split('\n')[0]!;
}

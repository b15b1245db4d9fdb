import type { Config } from '../../contracts/entropy/companions.ts';
import { isJsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { memberAt } from './members.ts';

/** How sums over sequences became the entropy that is reported. */
export type Normalization = 'per_token' | 'per_sequence' | 'none';

/** What a scale can be for a batch: its inverse numbers of tokens or sequences, or 1. */
export function scaleOf(normalization: Normalization, sequences: number, tokens: number): number {
  if (normalization === 'none') return 1;
  return 1 / (normalization === 'per_token' ? tokens : sequences);
}

const KINDS: readonly Normalization[] = ['per_token', 'per_sequence', 'none'];

/**
 * The normalisation that a scale tells of, within rounding. Where several do (a batch of one sequence, sequences of one
 * token), the configured one counts, else the first.
 */
export function normalizationOfScale(
  scale: number | undefined,
  sequences: number,
  tokens: number,
  configured: string | undefined,
): Normalization | undefined {
  if (scale === undefined) return undefined;
  const fitting = KINDS.filter((kind) => isNear(scale, scaleOf(kind, sequences, tokens)));
  return fitting.find((kind) => kind === configured) ?? fitting[0];
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.abs(b);
}

/**
 * The scale as the audit of a block of derivatives has it: it adds the scale up once a shard, on a way of its own.
 * @param block `approx` or `curvature`
 */
export function auditedScale(block: JsonValue | undefined): number | undefined {
  if (!isJsonObject(block)) return undefined;
  const total = asNumber(memberAt(block, ['audit', 'scale_sum']));
  const shards = asNumber(memberAt(block, ['variance', 'num_shards']));
  return total === undefined || shards === undefined ? undefined : total / shards;
}

/** The normalisation of the true change that the configuration asks for. */
export function configuredTrue(config: Config | undefined): 'per_token' | 'per_sequence' | undefined {
  const perToken = config?.true_delta_h?.report_per_token;
  if (typeof perToken !== 'boolean') return undefined;
  return perToken ? 'per_token' : 'per_sequence';
}

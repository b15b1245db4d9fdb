import type { EvalMetrics } from '../../../contracts/hallulens/eval-metrics.ts';
import { type JsonObject, type JsonValue, memberOf, textOf } from '../../../contracts/json-value.ts';
import { showValue } from '../../../contracts/schema-issues.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { type ContractPath, modelSlug } from '../identity.ts';

/** What every artifact of the run must agree on; undefined where nothing authoritative was readable. */
export interface ExpectedIdentity {
  readonly benchmark: string | undefined;
  readonly method: string | undefined;
  readonly modelId: string | undefined;
  readonly seed: bigint | undefined;
  readonly split: string | undefined;
}

/** A whole number, exactly; undefined for anything else. */
export function whole(value: JsonValue | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

/** What `config.json` says, or `eval_metrics.json` where it says nothing. */
export function expectedIdentity(
  config: JsonObject | undefined,
  evalMetrics: JsonObject | undefined,
): ExpectedIdentity {
  const pick = (key: string): string | undefined => textOf(config?.[key]) ?? textOf(evalMetrics?.[key]);
  return {
    benchmark: pick('benchmark'),
    method: pick('method'),
    split: pick('split'),
    modelId: textOf(memberOf(config, 'model')?.['id']) ?? textOf(evalMetrics?.['model_id']),
    seed: whole(config?.['seed']) ?? whole(evalMetrics?.['seed']),
  };
}

/** Compares a document's identifying fields with the directory names. */
export function checkAgainstPath(
  document: JsonObject | undefined,
  file: 'config.json' | 'eval_metrics.json',
  path: ContractPath,
  log: IssueLog,
): void {
  if (document === undefined) return;
  const isConfig = file === 'config.json';
  const modelId = isConfig ? textOf(memberOf(document, 'model')?.['id']) : textOf(document['model_id']);
  const compare = (code: string, pointer: string, found: string | undefined, expected: string): void => {
    if (found === undefined || found === expected) return;
    log.run({ code, file, pointer, message: `${found} in the file, ${expected} in the path` });
  };
  compare('SEED_PATH_MISMATCH', '/seed', whole(document['seed'])?.toString(), path.seed.toString());
  compare('BENCHMARK_PATH_MISMATCH', '/benchmark', textOf(document['benchmark']), path.benchmark);
  compare('METHOD_PATH_MISMATCH', '/method', textOf(document['method']), path.method);
  compare(
    'MODEL_PATH_MISMATCH',
    isConfig ? '/model/id' : '/model_id',
    modelId === undefined ? undefined : modelSlug(modelId),
    path.modelSlug,
  );
}

/** Compares `eval_metrics.json` with `config.json`, for fields that the path has not convicted already. */
export function checkAgainstConfig(
  metrics: Partial<EvalMetrics>,
  identity: ExpectedIdentity,
  log: IssueLog,
): void {
  const compare = (field: string, found: string | undefined, expected: string | undefined): void => {
    if (found === undefined || expected === undefined || found === expected) return;
    if (log.codes.has(`${field.toUpperCase()}_PATH_MISMATCH`)) return;
    log.run({
      code: `${field.toUpperCase()}_MISMATCH`,
      file: 'eval_metrics.json',
      pointer: field === 'model' ? '/model_id' : `/${field}`,
      message: `${found} here, ${expected} in config.json`,
    });
  };
  compare('benchmark', metrics.benchmark, identity.benchmark);
  compare('method', metrics.method, identity.method);
  compare('model', metrics.model_id, identity.modelId);
  compare('seed', metrics.seed?.toString(), identity.seed?.toString());
  compare('split', metrics.split, identity.split);
}

export interface IdentityMismatch {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
}

const NONE: readonly IdentityMismatch[] = [];

/** Fields of a record that contradict the run it lies in. The split is the record's own. */
export function identityMismatches(
  record: JsonObject,
  identity: ExpectedIdentity,
): readonly IdentityMismatch[] {
  const { benchmark, modelId, seed } = identity;
  const wrongBenchmark = benchmark !== undefined && record['benchmark'] !== benchmark;
  const wrongModel = modelId !== undefined && record['model_id'] !== modelId;
  const wrongSeed = seed !== undefined && Number(record['seed']) !== Number(seed);
  if (!wrongBenchmark && !wrongModel && !wrongSeed) return NONE;
  const mismatch = (field: string, key: string, expected: string): IdentityMismatch => ({
    code: `${field}_MISMATCH`,
    pointer: `/${key}`,
    message: `${showValue(record[key] ?? null)} here, ${expected} in config.json`,
  });
  return [
    ...(wrongBenchmark ? [mismatch('BENCHMARK', 'benchmark', benchmark)] : []),
    ...(wrongModel ? [mismatch('MODEL', 'model_id', modelId)] : []),
    ...(wrongSeed ? [mismatch('SEED', 'seed', String(seed))] : []),
  ];
}

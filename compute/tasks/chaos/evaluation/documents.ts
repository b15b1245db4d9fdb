import type { ChaosMetrics } from '../../../../ingest/contracts/chaosbench/metrics.ts';
import type { ChaosManifest } from '../../../../ingest/contracts/chaosbench/run-manifest.ts';
import { STORED_DECIMALS } from '../../../../ingest/families/chaosbench/metrics/index.ts';
import { compareKeys } from '../../../../lake/store/keys.ts';
import { type Float, float, type PythonValue, pythonJson } from '../../python/json.ts';
import { fixed } from '../fixed.ts';

const INDENT = 2;

type Count = number | bigint;

/** Rates as floats, whatever they are. */
function rates<K extends string>(members: Readonly<Record<K, Count>>): Record<string, Float> {
  return Object.fromEntries(
    Object.entries<Count>(members).map(([key, value]) => [key, float(Number(value))]),
  );
}

/** `metrics.json`. */
export function metricsText(metrics: ChaosMetrics): string {
  const { total, valid, invalid, correct, per_family, per_split } = metrics;
  const { coverage, invalid_rate, accuracy_valid, effective_accuracy, balanced_accuracy, mcc } = metrics;
  const document: PythonValue = {
    total,
    valid,
    invalid,
    correct,
    ...rates({ coverage, invalid_rate, accuracy_valid, effective_accuracy, balanced_accuracy, mcc }),
    per_family: mapped(per_family, (family) => ({
      total: family.total,
      valid: family.valid,
      correct: family.correct,
      ...rates({ coverage: family.coverage, accuracy_valid: family.accuracy_valid }),
    })),
    per_split: mapped(per_split, (split) => ({
      total: split.total,
      valid: split.valid,
      ...rates({ accuracy_valid: split.accuracy_valid }),
    })),
  };
  return pythonJson(document, INDENT);
}

function mapped<T>(
  groups: Readonly<Record<string, T>>,
  write: (group: T) => PythonValue,
): Record<string, PythonValue> {
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, write(group)]));
}

/** What a manifest says beside what follows from the metrics. */
export type ManifestFacts = Pick<
  ChaosManifest,
  | 'run_id'
  | 'created_utc'
  | 'provider'
  | 'prompt_version'
  | 'prompt_hash'
  | 'dataset_global_sha256'
  | 'canonical_selector'
  | 'total_items_evaluated'
  | 'max_items'
  | 'seed'
  | 'retries'
  | 'strict_parsing'
  | 'workers'
  | 'order_mode'
  | 'shuffle_seed'
  | 'git_commit'
  | 'python_version'
  | 'resumed_from'
>;

/** `run_manifest.json`, of the current generation. */
export function manifestText(facts: ManifestFacts, metrics: ChaosMetrics): string {
  const { coverage, accuracy_valid, effective_accuracy, balanced_accuracy, mcc } = metrics;
  const document: PythonValue = {
    run_id: facts.run_id,
    created_utc: facts.created_utc,
    provider: facts.provider,
    prompt_version: facts.prompt_version,
    prompt_hash: facts.prompt_hash,
    dataset_global_sha256: facts.dataset_global_sha256,
    canonical_selector: facts.canonical_selector,
    total_items_evaluated: facts.total_items_evaluated,
    max_items: facts.max_items,
    seed: facts.seed,
    retries: facts.retries,
    strict_parsing: facts.strict_parsing,
    workers: facts.workers,
    order_mode: facts.order_mode,
    shuffle_seed: facts.shuffle_seed,
    git_commit: facts.git_commit,
    python_version: facts.python_version,
    metrics_summary: rates({ coverage, accuracy_valid, effective_accuracy, balanced_accuracy, mcc }),
    resumed_from: facts.resumed_from,
    // There is no budget here, and answers are kept whole.
    budget: { max_usd: null, truncate_pred_text: 0, phase: null, dry_run_cost: false },
  };
  return pythonJson(document, INDENT);
}

/** Decimals of the rates of families. */
const FAMILY_DECIMALS = 3;

/** `summary.md`. */
export function summaryText(runId: string, provider: string, metrics: ChaosMetrics): string {
  const rate = (value: Count): string => fixed(Number(value), STORED_DECIMALS);
  const families = Object.entries(metrics.per_family)
    .toSorted(([a], [b]) => compareKeys(a, b))
    .map(([name, { total, coverage, accuracy_valid }]) => {
      const [covered, accuracy] = [coverage, accuracy_valid].map((value) =>
        fixed(Number(value), FAMILY_DECIMALS),
      );
      return `| ${name} | ${total} | ${covered} | ${accuracy} |`;
    });
  const lines = [
    `# Evaluation Summary: ${runId}`,
    '',
    `**Provider:** ${provider}`,
    '',
    '## Key Metrics',
    '',
    '| Metric | Value |',
    '|--------|-------|',
    `| Total items | ${metrics.total} |`,
    `| Valid responses | ${metrics.valid} |`,
    `| Invalid responses | ${metrics.invalid} |`,
    `| Coverage | ${rate(metrics.coverage)} |`,
    `| Accuracy (valid) | ${rate(metrics.accuracy_valid)} |`,
    `| Effective accuracy | ${rate(metrics.effective_accuracy)} |`,
    `| Balanced accuracy | ${rate(metrics.balanced_accuracy)} |`,
    `| MCC | ${rate(metrics.mcc)} |`,
    '',
    '## Per-Family Accuracy',
    '',
    '| Family | Total | Coverage | Accuracy |',
    '|--------|-------|----------|----------|',
    ...families,
  ];
  return `${lines.join('\n')}\n`;
}

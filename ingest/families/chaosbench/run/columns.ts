import type { AnyChaosManifest } from '../../../contracts/chaosbench/run-manifest.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import { parseIsoTime } from '../../../contracts/scalars.ts';
import type { RunColumns, RunStatus } from '../../../family.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { parseRunName, splitProvider } from '../identity.ts';
import { type Verdict, verdictReasons } from '../policy/index.ts';
import { BENCHMARK, type RunColumnsOfRows } from './rows.ts';

/** Keys of the manifest that say how the run was made. */
const SETTINGS = [
  'provider',
  'prompt_version',
  'prompt_hash',
  'canonical_selector',
  'dataset_global_sha256',
  'max_items',
  'seed',
  'retries',
  'workers',
  'strict_parsing',
  'order_mode',
  'shuffle_seed',
  'budget',
];

/** What the rows of a run have in common, by its manifest, or by its name where there is none. */
export function columnsOfRows(manifest: AnyChaosManifest | undefined, name: string): RunColumnsOfRows {
  return {
    modelId:
      manifest === undefined ? (parseRunName(name)?.model ?? null) : splitProvider(manifest.provider).model,
    method: manifest?.prompt_version ?? null,
    seed: manifest?.seed ?? null,
  };
}

/**
 * The items that a run was about: `canonical` for the whole dataset, else `subset_<n>`; null where nothing tells how
 * many items the dataset has.
 */
function splitOf(manifest: AnyChaosManifest, totalItems: number | undefined): string | null {
  if (manifest.max_items !== null) return `subset_${manifest.max_items}`;
  if (totalItems === undefined) return null;
  const planned = Number(manifest.total_items_evaluated);
  return planned === totalItems ? 'canonical' : `subset_${planned}`;
}

/** What decides the columns of a run. */
export interface RunFacts {
  /** The run's own name. */
  readonly name: string;
  readonly status: RunStatus;
  readonly manifest: AnyChaosManifest | undefined;
  readonly recorded: JsonObject | undefined;
  readonly verdict: Verdict | undefined;
  readonly totalItems: number | undefined;
  /** `runs.manifest`. */
  readonly manifestJson: string | null;
}

/** The row of `runs` as far as the run decides it. */
export function runColumns(facts: RunFacts): RunColumns {
  const { manifest, recorded, verdict } = facts;
  const name = parseRunName(manifest?.run_id ?? facts.name);
  const { modelId, method, seed } = columnsOfRows(manifest, facts.name);
  const created = manifest === undefined ? name?.startedAt : parseIsoTime(manifest.created_utc);
  return {
    method,
    model_id: modelId,
    benchmark: BENCHMARK,
    split: manifest === undefined ? null : splitOf(manifest, facts.totalItems),
    seed,
    run_date: name?.date ?? null,
    created_at: created ?? null,
    status: facts.status,
    verdict: verdict?.verdict ?? null,
    verdict_reasons: verdict === undefined ? null : verdictReasons(verdict),
    git_commit: manifest?.git_commit ?? null,
    git_dirty: null,
    config: recorded === undefined ? null : settingsJson(recorded),
    manifest: facts.manifestJson,
    compliance: verdict === undefined ? null : checklistJson(verdict),
  };
}

function settingsJson(recorded: JsonObject): string {
  return jsonText(
    Object.fromEntries(
      SETTINGS.flatMap((key) => (Object.hasOwn(recorded, key) ? [[key, recorded[key]!] as const] : [])),
    ),
  );
}

/** The policy's criteria as the contract checklist of the run. */
function checklistJson({ criteria }: Verdict): string {
  return jsonText(criteria.map(({ criterion, met, detail }) => ({ item: criterion, passed: met, detail })));
}

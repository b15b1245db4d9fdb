import type { JsonObject, JsonValue } from '../../contracts/json-value.ts';
import { showValue } from '../../contracts/schema-issues.ts';
import { asNumber } from '../../metric-values.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';

/** An object that repeats parts of the run's configuration. */
export interface ConfigCopy {
  readonly file: string;
  /** Where the object lies in the file. */
  readonly pointer: string;
  readonly object: JsonObject | undefined;
  /** Member of the object -> member of the configuration. */
  readonly members: Readonly<Record<string, string>>;
}

export const SAMPLED_MEMBERS = {
  n_trials: 'n_trials_per_q',
  n_demos: 'n_demos',
  seed: 'seed',
  relation_csv_path: 'relation_csv_path',
} as const;
export const MODEL_MEMBERS = { model: 'model', model_spec: 'model_spec' } as const;
export const FV_META_MEMBERS = { model: 'model', spec_name: 'model_spec' } as const;
export const TOP_HEADS_MEMBERS = { ...MODEL_MEMBERS, k: 'topk', score_key: 'score_key' } as const;
export const INJECTION_MEMBERS = {
  ...MODEL_MEMBERS,
  score_key: 'score_key',
  seed: 'seed',
  alpha: 'alpha',
  requested_n_eval: 'n_eval',
} as const;

function differs(a: JsonValue, b: JsonValue): boolean {
  const [x, y] = [asNumber(a), asNumber(b)];
  return x === undefined || y === undefined ? a !== b : x !== y;
}

/**
 * Says where the configuration in the status file is not the one that made the artifacts: the orchestrator writes
 * its new arguments there and reuses whatever lies in the directory. A difference is one issue, in however many files.
 */
export function checkConfig(config: JsonObject, copies: readonly ConfigCopy[], log: IssueLog): void {
  const differences = new Map<string, { file: string; pointer: string; message: string; files: number }>();
  for (const { file, pointer, object, members } of copies) {
    for (const [member, name] of Object.entries(members)) {
      const [found, expected] = [object?.[member], config[name]];
      if (found === undefined || found === null || expected === undefined || expected === null) continue;
      if (!differs(found, expected)) continue;
      const message = `${member} is ${showValue(found)}; ${name} in the configuration of qid_status.json is ${showValue(expected)}`;
      const place = file.replace(/layer_\d+/, 'layer_*');
      const known = differences.get(`${place} ${message}`);
      if (known !== undefined) known.files += 1;
      else
        differences.set(`${place} ${message}`, { file, pointer: `${pointer}/${member}`, message, files: 1 });
    }
  }
  for (const { file, pointer, message, files } of differences.values()) {
    const more = files === 1 ? '' : ` (here and in ${files - 1} other files)`;
    log.warn({ code: 'CONFIG_MISMATCH', file, pointer, message: `${message}${more}` });
  }
}

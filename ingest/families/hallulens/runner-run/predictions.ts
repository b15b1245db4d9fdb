import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { PREDICTIONS } from '../../../../lake/tables/tables.ts';
import {
  parseDecimal,
  parseLabel,
  RUNNER_PREDICTION_COLUMNS,
} from '../../../contracts/hallulens/prediction.ts';
import type { ReadContext, RunSink } from '../../../family.ts';
import { IdMap } from '../../../id-map.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { readCsv } from '../../../run-files/table.ts';
import { ScoreTable } from '../metric-rows.ts';

const FILE = 'predictions.csv';
const SHA256 = /^[0-9a-f]{64}$/;

/** Columns that every row of the run shares. */
export interface RunnerPredictionContext {
  readonly benchmark: string | null;
  readonly method: string | null;
  readonly modelId: string | null;
  readonly seed: bigint | null;
  readonly split: string;
}

export interface RunnerPredictions {
  readonly rows: number;
  /** Rows with a score. */
  readonly scores: ScoreTable;
}

/**
 * Reads `predictions.csv` of the original runner: id, score and label, sometimes a split. The id is the position
 * in the test set or the prompt's hash, no identity of an example; `extra.example_id_kind` says which. Rows without
 * a usable score are kept with a null score.
 */
export async function readRunnerPredictions(
  object: ObjectInfo,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
  shared: RunnerPredictionContext,
): Promise<RunnerPredictions> {
  const scores = new ScoreTable();
  const seen = new IdMap();
  let total = 0;
  let checkedHeader = false;
  for await (const { header, records } of readCsv(context, object, FILE, log)) {
    const missing = RUNNER_PREDICTION_COLUMNS.filter((name) => !header.includes(name));
    if (missing.length > 0) {
      if (!checkedHeader) {
        const message = `no column ${missing.join(', ')}; expected ${RUNNER_PREDICTION_COLUMNS.join(', ')}`;
        log.run({ code: 'WRONG_CSV_HEADER', file: FILE, line: 1, message });
      }
      checkedHeader = true;
      continue;
    }
    checkedHeader = true;
    const [idAt, scoreAt, labelAt, splitAt] = [...RUNNER_PREDICTION_COLUMNS, 'split'].map((name) =>
      header.indexOf(name),
    ) as [number, number, number, number];
    const others = header.flatMap((name, i) =>
      [idAt, scoreAt, labelAt, splitAt].includes(i) ? [] : [{ name, i }],
    );
    const rows: Row[] = [];
    for (const { line, fields } of records) {
      const id = fields[idAt]!;
      const score = parseDecimal(fields[scoreAt]!);
      const label = parseLabel(fields[labelAt]!);
      const kind = SHA256.test(id) ? 'prompt_hash' : 'row_index';
      if (score === undefined) {
        const message = `"${fields[scoreAt]}" is not a number`;
        log.record({ code: 'SCORE_NOT_NUMERIC', file: FILE, line, pointer: '/score_halu', message });
        continue;
      }
      if (label === undefined) {
        const message = `"${fields[labelAt]}"; expected 0 or 1`;
        log.record({ code: 'INVALID_LABEL', file: FILE, line, pointer: '/label_halu', message });
        continue;
      }
      if (seen.has(id)) {
        const message = `${id} has a row already`;
        log.record({ code: 'DUPLICATE_PREDICTION_ROW', file: FILE, line, pointer: '/example_id', message });
        continue;
      }
      seen.set(id, line);
      if (Number.isNaN(score)) {
        const message = 'the score is NaN; the row takes no part in the metrics';
        log.warn({ code: 'NAN_SCORE', file: FILE, line, pointer: '/score_halu', message });
      } else scores.push(score, label, undefined);
      const extra: Record<string, string> = { example_id_kind: kind };
      for (const { name, i } of others) extra[name] = fields[i]!;
      rows.push({
        example_id: id,
        score_halu: score,
        label_halu: label,
        split: splitAt < 0 ? shared.split : fields[splitAt]!,
        benchmark: shared.benchmark,
        method: shared.method,
        model_id: shared.modelId,
        seed: shared.seed,
        source_line: line,
        extra: jsonText(extra),
      });
    }
    total += rows.length;
    if (rows.length > 0) await sink.rows(PREDICTIONS, rows);
  }
  warnNearConstant(scores, log);
  return { rows: total, scores };
}

/** Scores that hardly differ rank nothing: their metrics say more about rounding than about the method. */
function warnNearConstant(scores: ScoreTable, log: IssueLog): void {
  if (scores.length < 2) return;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    low = Math.min(low, scores.scores[i]!);
    high = Math.max(high, scores.scores[i]!);
  }
  if (high - low > 1e-6 * Math.max(1, Math.abs(low), Math.abs(high))) return;
  const message = low === high ? `every score is ${low}` : `all scores lie in [${low}, ${high}]`;
  log.warn({ code: 'NEAR_CONSTANT_SCORE', file: FILE, pointer: '/score_halu', message });
}

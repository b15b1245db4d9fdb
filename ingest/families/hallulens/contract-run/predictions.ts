import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { PREDICTIONS } from '../../../../lake/tables/tables.ts';
import {
  parseDecimal,
  parseLabel,
  REQUIRED_PREDICTION_COLUMNS,
} from '../../../contracts/hallulens/prediction.ts';
import type { ReadContext, RunSink } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { readCsv } from '../../../run-files/table.ts';
import { ScoreTable } from '../metric-rows.ts';
import type { Examples } from './examples.ts';
import type { ExpectedIdentity } from './run-identity.ts';

export const PREDICTIONS_FILE = 'predictions.csv';

const KNOWN: ReadonlySet<string> = new Set([
  ...REQUIRED_PREDICTION_COLUMNS,
  'method',
  'model_id',
  'seed',
  'threshold',
  'pred_halu',
]);

export interface PredictionsResult {
  /** Rows of the file, whatever is wrong with them. */
  readonly seen: number;
  readonly seenBySplit: ReadonlyMap<string, number>;
  readonly kept: number;
  readonly header: readonly string[];
  /** Scores by split; undefined when a score was unusable, so that nothing can be recomputed. */
  readonly scores: ReadonlyMap<string, ScoreTable> | undefined;
}

/** What the rows are checked against. */
export interface PredictionChecks {
  readonly identity: ExpectedIdentity;
  /** Undefined when the generations could not be read: links are not checked then. */
  readonly examples: Examples | undefined;
  /** So many unknown ids are the fault of unreadable lines in the generations. */
  readonly unreadableGenerations: number;
  /** Threshold of `eval_metrics.json`, for files without one. */
  readonly threshold: number | undefined;
}

/** Reads, checks and emits `predictions.csv`. */
export async function readPredictions(
  object: ObjectInfo,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
  checks: PredictionChecks,
): Promise<PredictionsResult> {
  const file = PREDICTIONS_FILE;
  const scores = new Map<string, ScoreTable>();
  const seenBySplit = new Map<string, number>();
  let usable = true;
  let header: readonly string[] = [];
  let reader: RowReader | undefined;
  let seen = 0;
  let kept = 0;
  for await (const batch of readCsv(context, object, file, log)) {
    if (reader === undefined) {
      header = batch.header;
      reader = rowReader(header, checks, log, context.lenient);
      const missing = REQUIRED_PREDICTION_COLUMNS.filter((name) => !header.includes(name));
      if (missing.length > 0) {
        log.run({
          code: 'WRONG_CSV_HEADER',
          file,
          line: 1,
          message: `no column ${missing.join(', ')}; expected ${REQUIRED_PREDICTION_COLUMNS.join(', ')}`,
        });
        usable = false;
      }
    }
    const rows: Row[] = [];
    for (const { line, fields } of batch.records) {
      seen++;
      const read = reader(fields, line);
      seenBySplit.set(read.split, (seenBySplit.get(read.split) ?? 0) + 1);
      if (read.score === undefined || read.label === undefined) usable = usable && read.droppable;
      else if (read.counts) {
        const table = scores.get(read.split) ?? new ScoreTable();
        scores.set(read.split, table);
        table.push(read.score, read.label, read.predicted);
      }
      if (read.row !== undefined) rows.push(read.row);
    }
    kept += rows.length;
    if (rows.length > 0) await sink.rows(PREDICTIONS, rows);
  }
  return { seen, seenBySplit, kept, header, scores: usable ? scores : undefined };
}

interface ReadRow {
  readonly split: string;
  readonly score: number | undefined;
  readonly label: boolean | undefined;
  readonly predicted: boolean | undefined;
  /** The row takes part in the metrics. */
  readonly counts: boolean;
  /** Without a score, the others may still be used (lenient reading). */
  readonly droppable: boolean;
  readonly row: Row | undefined;
}

type RowReader = (fields: readonly string[], line: number) => ReadRow;

function rowReader(
  header: readonly string[],
  checks: PredictionChecks,
  log: IssueLog,
  lenient: boolean,
): RowReader {
  const file = PREDICTIONS_FILE;
  const { identity, examples } = checks;
  const at = (name: string): number => header.indexOf(name);
  const columns = {
    id: at('example_id'),
    score: at('score_halu'),
    label: at('label_halu'),
    split: at('split'),
    benchmark: at('benchmark'),
    method: at('method'),
    model: at('model_id'),
    seed: at('seed'),
    threshold: at('threshold'),
    predicted: at('pred_halu'),
  };
  const extras = header.flatMap((name, i) => (KNOWN.has(name) ? [] : [[name, i] as const]));
  const field = (fields: readonly string[], column: number): string | undefined =>
    column < 0 ? undefined : fields[column];
  let excused = checks.unreadableGenerations;

  const compared = [
    { name: 'BENCHMARK', pointer: '/benchmark', column: columns.benchmark, expected: identity.benchmark },
    { name: 'METHOD', pointer: '/method', column: columns.method, expected: identity.method },
    { name: 'MODEL', pointer: '/model_id', column: columns.model, expected: identity.modelId },
    { name: 'SEED', pointer: '/seed', column: columns.seed, expected: identity.seed?.toString() },
  ].filter(({ column, expected }) => column >= 0 && expected !== undefined);

  return (fields, line) => {
    let good = true;
    const bad = (code: string, column: string, message: string): void => {
      good = false;
      log.record({ code, file, line, pointer: `/${column}`, message });
    };
    const id = field(fields, columns.id) ?? '';
    const split = field(fields, columns.split) ?? '';
    const score = readScore(field(fields, columns.score), bad);
    const label = readLabel(field(fields, columns.label), bad);
    const threshold = parseDecimal(field(fields, columns.threshold) ?? '');
    const predictedText = field(fields, columns.predicted);
    const limit = threshold ?? checks.threshold;
    const predicted =
      parseLabel(predictedText ?? '') ??
      (score === undefined || limit === undefined ? undefined : score >= limit);
    if (
      predictedText !== undefined &&
      score !== undefined &&
      limit !== undefined &&
      predicted !== undefined
    ) {
      if ((score > limit && !predicted) || (score < limit && predicted)) {
        log.warn({
          code: 'PRED_HALU_MISMATCH',
          file,
          line,
          pointer: '/pred_halu',
          message: `${predictedText}, but the score is ${score} and the threshold ${limit}`,
        });
      }
    }
    for (const { name, pointer, column, expected } of compared) {
      const found = fields[column]!;
      if (found !== expected && !(found === '' && name !== 'BENCHMARK')) {
        bad(`${name}_MISMATCH`, pointer.slice(1), `${found} here, ${expected} in config.json`);
      }
    }
    if (columns.id >= 0 && id === '') bad('MISSING_REQUIRED_FIELD', 'example_id', 'the id is empty');
    else if (examples !== undefined && columns.id >= 0) {
      const example = examples.predict(id);
      if (example === undefined) {
        if (excused > 0 && !lenient) {
          excused--;
          good = false;
        } else bad('UNKNOWN_EXAMPLE_ID', 'example_id', `${id} is not in generations.jsonl`);
      } else {
        if (example.predicted) bad('DUPLICATE_PREDICTION_ROW', 'example_id', `${id} has a row already`);
        if (example.dropped) good = false;
        else {
          if (label !== undefined && example.halu !== label) {
            const message = `${label ? 1 : 0}, but label.halu is ${example.halu} on line ${example.line} of generations.jsonl`;
            bad('LABEL_MISMATCH', 'label_halu', message);
          }
          if (columns.split >= 0 && example.split !== split) {
            const message = `${split}, but ${example.split} on line ${example.line} of generations.jsonl`;
            bad('SPLIT_MISMATCH', 'split', message);
          }
          if (example.unlinked) {
            const message = `the activation store has no entry for the example (line ${example.line} of generations.jsonl)`;
            bad('ACTIVATION_ENTRY_MISSING', 'example_id', message);
          }
        }
      }
    }
    const counts = good || !lenient;
    const row: Row | undefined =
      good && score !== undefined && label !== undefined && columns.id >= 0
        ? {
            example_id: id,
            score_halu: score,
            label_halu: label,
            pred_halu: predictedText === undefined ? null : (predicted ?? null),
            threshold: threshold ?? null,
            correct: predicted === undefined ? null : predicted === label,
            split: columns.split < 0 ? null : split,
            benchmark: field(fields, columns.benchmark),
            method: field(fields, columns.method) ?? identity.method,
            model_id: field(fields, columns.model) ?? identity.modelId,
            seed: readSeed(field(fields, columns.seed)) ?? identity.seed,
            source_line: line,
            extra:
              extras.length === 0
                ? null
                : jsonText(Object.fromEntries(extras.map(([name, i]) => [name, fields[i]!]))),
          }
        : undefined;
    return { split, score, label, predicted, counts, droppable: lenient, row };
  };
}

type Complain = (code: string, column: string, message: string) => void;

function readScore(text: string | undefined, bad: Complain): number | undefined {
  if (text === undefined) return undefined;
  const score = parseDecimal(text);
  if (score === undefined) bad('SCORE_NOT_NUMERIC', 'score_halu', `"${text}" is not a number`);
  else if (Number.isNaN(score)) bad('NAN_SCORE', 'score_halu', 'the score is NaN; expected a number');
  else return score;
  return undefined;
}

function readLabel(text: string | undefined, bad: Complain): boolean | undefined {
  if (text === undefined) return undefined;
  const label = parseLabel(text);
  if (label === undefined) bad('INVALID_LABEL', 'label_halu', `"${text}"; expected 0 or 1`);
  return label;
}

function readSeed(text: string | undefined): bigint | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

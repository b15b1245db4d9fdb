import type { Cell, ColumnRows, Row } from '../../../../lake/tables/schema.ts';
import {
  parseDecimal,
  parseLabel,
  REQUIRED_PREDICTION_COLUMNS,
} from '../../../contracts/hallulens/prediction.ts';
import type { AlikeRows } from '../../../formats/alike/alike-lines.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import type { Example, Examples } from './examples.ts';
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

/** What many rows have in common; all other columns are taken to differ from row to row. */
export const FIXED_COLUMNS: ReadonlySet<string> = new Set(
  [...KNOWN].filter((name) => name !== 'example_id' && name !== 'score_halu'),
);

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

export interface ReadRow {
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

/** What a row says besides the id and the score of an example. */
interface Circumstances {
  readonly split: string;
  readonly label: boolean | undefined;
  readonly threshold: number | undefined;
  readonly predictedText: string | undefined;
  /** Columns of the table. */
  readonly cells: Readonly<
    Record<'label_halu' | 'threshold' | 'split' | 'benchmark' | 'method' | 'model_id' | 'seed', Cell>
  >;
}

/** The circumstances of rows that have no other fault than those that their id or their score may bring. */
export interface PredictionTemplate extends Circumstances {
  readonly label: boolean;
}

/** A row of which all is well. */
export interface AlikeRow {
  readonly score: number;
  readonly predicted: boolean | undefined;
}

type Complain = (code: string, column: string, message: string) => void;

/** Checks the rows of `predictions.csv` and makes rows of the table of them. */
export class PredictionReader {
  readonly #checks: PredictionChecks;
  readonly #log: IssueLog;
  readonly #lenient: boolean;
  readonly #at: ReadonlyMap<string, number>;
  /** Columns that the table does not have, with the place of their last occurrence. */
  readonly #extras: readonly (readonly [name: string, at: number])[];
  /** Fields that must be as in the run's configuration. */
  readonly #compared: readonly {
    readonly name: string;
    readonly column: string;
    readonly at: number;
    readonly expected: string;
  }[];
  #excused: number;

  constructor(header: readonly string[], checks: PredictionChecks, log: IssueLog, lenient: boolean) {
    this.#checks = checks;
    this.#log = log;
    this.#lenient = lenient;
    this.#at = new Map(header.map((name) => [name, header.indexOf(name)]));
    this.#extras = [...this.#at.keys()]
      .filter((name) => !KNOWN.has(name))
      .map((name) => [name, header.lastIndexOf(name)]);
    this.#excused = checks.unreadableGenerations;
    const { identity } = checks;
    this.#compared = [
      { name: 'BENCHMARK', column: 'benchmark', expected: identity.benchmark },
      { name: 'METHOD', column: 'method', expected: identity.method },
      { name: 'MODEL', column: 'model_id', expected: identity.modelId },
      { name: 'SEED', column: 'seed', expected: identity.seed?.toString() },
    ].flatMap(({ name, column, expected }) => {
      const at = this.#at.get(column);
      return at === undefined || expected === undefined ? [] : [{ name, column, at, expected }];
    });
  }

  get missingColumns(): readonly string[] {
    return REQUIRED_PREDICTION_COLUMNS.filter((name) => !this.#at.has(name));
  }

  /** Reads a row and reports what is wrong with it. */
  read(fields: readonly string[], line: number): ReadRow {
    const lenient = this.#lenient;
    let good = true;
    const bad: Complain = (code, column, message) => {
      good = false;
      this.#log.record({ code, file: PREDICTIONS_FILE, line, pointer: `/${column}`, message });
    };
    const hasIds = this.#at.has('example_id');
    const id = this.#field(fields, 'example_id') ?? '';
    const circumstances = this.#circumstances(fields);
    const { split, label, predictedText } = circumstances;
    const score = readScore(this.#field(fields, 'score_halu'), bad);
    const labelText = this.#field(fields, 'label_halu');
    if (label === undefined && labelText !== undefined)
      bad('INVALID_LABEL', 'label_halu', `"${labelText}"; expected 0 or 1`);
    const predicted = predictedOf(score, circumstances);
    if (contradicts(score, predicted, circumstances)) {
      this.#log.warn({
        code: 'PRED_HALU_MISMATCH',
        file: PREDICTIONS_FILE,
        line,
        pointer: '/pred_halu',
        message: `${predictedText}, but the score is ${score} and the threshold ${circumstances.threshold}`,
      });
    }
    for (const { name, column, expected, found } of this.#contradictions(fields))
      bad(`${name}_MISMATCH`, column, `${found} here, ${expected} in config.json`);
    if (hasIds && id === '') bad('MISSING_REQUIRED_FIELD', 'example_id', 'the id is empty');
    else if (hasIds && this.#checks.examples !== undefined) {
      const { examples } = this.#checks;
      const slot = examples.slot(id);
      if (slot === -1) {
        if (this.#excused > 0 && !lenient) {
          this.#excused--;
          good = false;
        } else bad('UNKNOWN_EXAMPLE_ID', 'example_id', `${id} is not in generations.jsonl`);
      } else {
        const example = examples.at(slot);
        examples.predict(slot);
        if (example.predicted) bad('DUPLICATE_PREDICTION_ROW', 'example_id', `${id} has a row already`);
        if (example.dropped) good = false;
        else this.#checkExample(example, circumstances, bad);
      }
    }
    const counts = good || !lenient;
    const { cells } = circumstances;
    const row: Row | undefined =
      good && score !== undefined && label !== undefined && hasIds
        ? {
            example_id: id,
            score_halu: score,
            label_halu: label,
            pred_halu: predictionCell(predicted, circumstances),
            threshold: cells.threshold,
            correct: predicted === undefined ? null : predicted === label,
            split: cells.split,
            benchmark: cells.benchmark,
            method: cells.method,
            model_id: cells.model_id,
            seed: cells.seed,
            source_line: line,
            extra: this.#extra((_, at) => fields[at]!),
          }
        : undefined;
    return { split, score, label, predicted, counts, droppable: lenient, row };
  }

  /** What to know of a row that is read without complaint whatever its slots hold, their own checks apart. */
  template(fields: readonly string[]): PredictionTemplate | undefined {
    if (this.#checks.examples === undefined || this.missingColumns.length > 0) return undefined;
    const circumstances = this.#circumstances(fields);
    const { label } = circumstances;
    if (label === undefined || this.#contradictions(fields).length > 0) return undefined;
    return { ...circumstances, label };
  }

  /** Checks a row that is like an earlier one; undefined when `read` would have something to say about it. */
  readAlike(rows: AlikeRows<readonly string[], PredictionTemplate>, row: number): AlikeRow | undefined {
    const circumstances = rows.templates[row]!;
    const score = parseDecimal(rows.column('score_halu').text(row) ?? '');
    if (score === undefined || Number.isNaN(score)) return undefined;
    const predicted = predictedOf(score, circumstances);
    if (contradicts(score, predicted, circumstances)) return undefined;
    const { examples } = this.#checks;
    const id = rows.column('example_id').slice(row);
    const slot = id.length === 0 ? -1 : examples?.slot(id);
    if (examples === undefined || slot === undefined || slot === -1) return undefined;
    const example = examples.at(slot);
    let good = !example.predicted && !example.dropped;
    this.#checkExample(example, circumstances, () => {
      good = false;
    });
    if (!good) return undefined;
    examples.predict(slot);
    return { score, predicted };
  }

  /** The rows of the table that belong to the first rows of a batch. */
  alikeRows(rows: AlikeRows<readonly string[], PredictionTemplate>, read: readonly AlikeRow[]): ColumnRows {
    return {
      length: read.length,
      rows: rows.templates.map(({ cells }) => cells),
      columns: {
        example_id: rows.column('example_id'),
        score_halu: read.map(({ score }) => score),
        pred_halu: read.map(({ predicted }, row) => predictionCell(predicted, rows.templates[row]!)),
        correct: read.map(({ predicted }, row) =>
          predicted === undefined ? null : predicted === rows.templates[row]!.label,
        ),
        source_line: rows.lines,
        extra: read.map((_, row) => this.#extra((name) => rows.column(name).text(row)!)),
      },
    };
  }

  #field(fields: readonly string[], name: string): string | undefined {
    const at = this.#at.get(name);
    return at === undefined ? undefined : fields[at];
  }

  #circumstances(fields: readonly string[]): Circumstances {
    const { identity } = this.#checks;
    const split = this.#field(fields, 'split');
    const label = parseLabel(this.#field(fields, 'label_halu') ?? '');
    const threshold = parseDecimal(this.#field(fields, 'threshold') ?? '');
    return {
      split: split ?? '',
      label,
      threshold: threshold ?? this.#checks.threshold,
      predictedText: this.#field(fields, 'pred_halu'),
      cells: {
        label_halu: label,
        threshold: threshold ?? null,
        split: split ?? null,
        benchmark: this.#field(fields, 'benchmark'),
        method: this.#field(fields, 'method') ?? identity.method,
        model_id: this.#field(fields, 'model_id') ?? identity.modelId,
        seed: readSeed(this.#field(fields, 'seed')) ?? identity.seed,
      },
    };
  }

  #contradictions(fields: readonly string[]) {
    return this.#compared.flatMap(({ name, column, at, expected }) => {
      const found = fields[at]!;
      const agrees = found === expected || (found === '' && name !== 'BENCHMARK');
      return agrees ? [] : [{ name, column, expected, found }];
    });
  }

  #checkExample(example: Example, { label, split }: Circumstances, bad: Complain): void {
    const where = () => `line ${example.line} of generations.jsonl`;
    if (label !== undefined && example.halu !== label) {
      bad(
        'LABEL_MISMATCH',
        'label_halu',
        `${label ? 1 : 0}, but label.halu is ${example.halu} on ${where()}`,
      );
    }
    if (this.#at.has('split') && example.split !== split)
      bad('SPLIT_MISMATCH', 'split', `${split}, but ${example.split} on ${where()}`);
    if (example.unlinked) {
      const message = `the activation store has no entry for the example (${where()})`;
      bad('ACTIVATION_ENTRY_MISSING', 'example_id', message);
    }
  }

  #extra(field: (name: string, at: number) => string): Cell {
    const extras = this.#extras;
    if (extras.length === 0) return null;
    return jsonText(Object.fromEntries(extras.map(([name, at]) => [name, field(name, at)])));
  }
}

function predictedOf(score: number | undefined, circumstances: Circumstances): boolean | undefined {
  const { threshold, predictedText } = circumstances;
  return (
    parseLabel(predictedText ?? '') ??
    (score === undefined || threshold === undefined ? undefined : score >= threshold)
  );
}

/** Whether the prediction is on the other side of the threshold than the score. */
function contradicts(
  score: number | undefined,
  predicted: boolean | undefined,
  { threshold, predictedText }: Circumstances,
): boolean {
  if (predictedText === undefined || score === undefined || threshold === undefined) return false;
  return (score > threshold && predicted === false) || (score < threshold && predicted === true);
}

function predictionCell(predicted: boolean | undefined, { predictedText }: Circumstances): boolean | null {
  return predictedText === undefined ? null : (predicted ?? null);
}

function readScore(text: string | undefined, bad: Complain): number | undefined {
  if (text === undefined) return undefined;
  const score = parseDecimal(text);
  if (score === undefined) bad('SCORE_NOT_NUMERIC', 'score_halu', `"${text}" is not a number`);
  else if (Number.isNaN(score)) bad('NAN_SCORE', 'score_halu', 'the score is NaN; expected a number');
  else return score;
  return undefined;
}

function readSeed(text: string | undefined): bigint | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

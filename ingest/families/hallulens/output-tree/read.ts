import type { Row } from '../../../../lake/tables/schema.ts';
import { GENERATIONS } from '../../../../lake/tables/tables.ts';
import { outputGenerationSchema } from '../../../contracts/hallulens/output.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../contracts/json-value.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import { absolutePath } from '../../../discovery/path.ts';
import type { ReadContext, RunCandidate, RunSink, RunSummary } from '../../../family.ts';
import { IdMap } from '../../../id-map.ts';
import { type IssueLog, issueLog } from '../../../run-files/issue-log.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { manifestJson } from '../../../run-files/manifest-json.ts';
import { readJsonRecords } from '../../../run-files/records.ts';
import { runColumns } from '../../../run-files/run-columns.ts';
import { attachmentList, runFiles } from '../../../run-files/run-files.ts';
import { promptHash, recipeExampleId } from '../identity.ts';
import { otherMembers } from '../metric-rows.ts';
import { type Evaluation, type ReadEvaluation, readEvaluation, type Verdict } from './evaluation.ts';
import { emitRates, VerdictCounts } from './rates.ts';

const FILE = 'generation.jsonl';

/** Columns of the tasks that hold the truth. */
const REFERENCE_KEYS: ReadonlySet<string> = new Set([
  'answer',
  'answers',
  'answer_letter',
  'best_answer',
  'correct_answers',
  'incorrect_answers',
  'possible_answers',
  'reference',
]);

const NO_VERDICT: Verdict = { halu: null, abstained: null };
const NO_IDENTITY: ReadonlySet<string> = new Set();

/** Reads `output/{task}/{model}/` (formats: section 2); see `Family.read`. */
export async function readOutputTree(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const log = issueLog(sink, context);
  const files = runFiles(candidate);
  const [task = null, directoryModel = null] = absolutePath(context.tree.store.uri, candidate.root).slice(-2);
  const read = await readEvaluation(files, context, log);
  const [primary] = read.documents;
  const model = typeof primary?.value['model'] === 'string' ? primary.value['model'] : directoryModel;
  const generation = files.get(FILE);
  const counts = new Map<Evaluation, VerdictCounts>();
  let rows = 0;
  let complete = false;
  if (generation === undefined) {
    log.run({ code: 'MISSING_FILE', file: FILE, message: 'an output tree without generations' });
  } else {
    const reader = new GenerationReader(read, task, model, log, counts);
    for await (const records of readJsonRecords(context, generation, FILE, log)) {
      const batch: Row[] = [];
      for (const { line, value, damaged } of records) {
        const row = reader.row(value, line, damaged);
        if (row !== undefined) batch.push(row);
      }
      if (batch.length > 0) await sink.rows(GENERATIONS, batch);
    }
    rows = reader.position;
    complete = reader.finish();
  }
  await emitRates(read, counts, complete, sink, log);
  log.finish();
  const others = primary === undefined ? undefined : withoutArrays(otherMembers(primary.value, NO_IDENTITY));
  const attachments = attachmentList(candidate);
  return {
    accepted: !log.rejected,
    columns: runColumns({
      model_id: model,
      benchmark: task,
      status: rows > 0 && read.evaluation !== undefined ? 'completed' : 'partial',
      manifest: manifestJson(undefined, {
        layout: 'output',
        ...(others === undefined ? {} : { eval_results: others }),
        ...(attachments.length === 0 ? {} : { attachments }),
      }),
    }),
  };
}

function withoutArrays(document: JsonObject | undefined): JsonObject | undefined {
  if (document === undefined) return undefined;
  return Object.fromEntries(Object.entries(document).filter(([, value]) => !Array.isArray(value)));
}

/** Turns lines of `generation.jsonl` into rows, joining evaluations by position. */
class GenerationReader {
  /** Lines so far: the position that evaluations count by. */
  position = 0;
  readonly #seen = new IdMap();
  readonly #read: ReadEvaluation;
  readonly #task: string | null;
  readonly #model: string | null;
  readonly #log: IssueLog;
  readonly #counts: Map<Evaluation, VerdictCounts>;
  #mismatched = 0;
  #nonFinite: string | undefined;

  constructor(
    read: ReadEvaluation,
    task: string | null,
    model: string | null,
    log: IssueLog,
    counts: Map<Evaluation, VerdictCounts>,
  ) {
    this.#read = read;
    this.#task = task;
    this.#model = model;
    this.#log = log;
    this.#counts = counts;
  }

  row(value: JsonValue, line: number, damaged: boolean): Row | undefined {
    const index = this.position++;
    if (!isJsonObject(value) || !outputGenerationSchema.safeParse(value).success) {
      for (const issue of schemaIssues(outputGenerationSchema, value, { file: FILE, line }))
        this.#log.record(issue);
      return undefined;
    }
    if (damaged) return undefined;
    const prompt = String(value['prompt']);
    const hash = promptHash(prompt);
    const repetition = this.#seen.get(hash) ?? 0;
    this.#seen.set(hash, repetition + 1);
    if (repetition > 0) {
      const message = 'the prompt occurs on an earlier line too; both rows are kept';
      this.#log.warn({ code: 'DUPLICATE_PROMPT', file: FILE, line, pointer: '/prompt', message });
    }
    const { evaluation, judge } = this.#read;
    const verdict = this.#verdict(evaluation, index, value, line);
    const second = judge === undefined ? undefined : this.#verdict(judge, index, value, line);
    const details = evaluation?.extra(index);
    const reference: Record<string, JsonValue> = {};
    const extra: Record<string, JsonValue> = {};
    for (const [key, member] of Object.entries(value)) {
      if (key === 'prompt' || key === 'generation') continue;
      if (REFERENCE_KEYS.has(key)) reference[key] = member;
      else extra[key] = member;
      if (typeof member === 'number' && !Number.isFinite(member)) this.#nonFinite ??= `/${key}`;
    }
    const id = recipeExampleId(this.#task ?? '', '', prompt, this.#model ?? '', null);
    return {
      example_id: repetition === 0 ? id : `${id}_${repetition}`,
      activation_key: hash,
      benchmark: this.#task,
      model_id: this.#model,
      prompt,
      response: String(value['generation']),
      reference: Object.keys(reference).length === 0 ? null : jsonText(reference),
      halu: verdict.halu,
      abstained: verdict.abstained,
      label_source: verdict.halu === null ? null : (evaluation?.labelSource ?? null),
      source_line: line,
      extra: jsonText({
        ...extra,
        ...(details === undefined ? {} : { evaluation: details }),
        ...(second === undefined ? {} : { llm_judge: { halu: second.halu, abstained: second.abstained } }),
        example_id_kind: 'recipe',
        activation_link: 'prompt_hash',
      }),
    };
  }

  #verdict(evaluation: Evaluation | undefined, index: number, row: JsonObject, line: number): Verdict {
    if (evaluation === undefined || index >= evaluation.length) return NO_VERDICT;
    if (evaluation.matches(index, row) === false) {
      this.#mismatched++;
      const message = `row ${index} of ${evaluation.file} is about another generation; its label is not used`;
      this.#log.warn({ code: 'EVAL_ROW_MISMATCH', file: FILE, line, message });
      return NO_VERDICT;
    }
    const verdict = evaluation.verdict(index);
    const counts = this.#counts.get(evaluation) ?? new VerdictCounts();
    this.#counts.set(evaluation, counts);
    counts.add(verdict);
    return verdict;
  }

  /** Whether every label was used, so that rates can be recomputed. */
  finish(): boolean {
    if (this.#nonFinite !== undefined) {
      const message = 'the file has the bare token NaN or Infinity, which is not JSON; kept as text';
      this.#log.info({ code: 'JSON_NAN_LITERAL', file: FILE, pointer: this.#nonFinite, message });
    }
    const { evaluation } = this.#read;
    if (evaluation === undefined) return false;
    if (evaluation.length !== this.position) {
      const message = `${evaluation.length} labels for ${this.position} generations; they are joined by position`;
      const issue = { code: 'EVAL_LENGTH_MISMATCH', file: evaluation.file, message };
      // Where the artifact repeats what it evaluated, every label was checked; else any of them may be another's.
      if (evaluation.matches(0, {}) === undefined) this.#log.record(issue);
      else this.#log.warn(issue);
    }
    return evaluation.length === this.position && this.#mismatched === 0;
  }
}

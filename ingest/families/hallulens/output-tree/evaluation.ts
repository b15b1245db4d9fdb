import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import {
  evalAggregatesSchema,
  evalArraysSchema,
  evalRefusalsSchema,
  rawJudgeSchema,
  rawMatchSchema,
} from '../../../contracts/hallulens/output.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../contracts/json-value.ts';
import type { ReadContext } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { parseJson } from '../../../run-files/json-text.ts';
import { readJsonRecords } from '../../../run-files/records.ts';
import { readRunDocument } from '../../../run-files/run-files.ts';

/** What an evaluation says about one generation. */
export interface Verdict {
  readonly halu: boolean | null;
  readonly abstained: boolean | null;
}

/** The labels of an output tree, by position in `generation.jsonl`. */
export interface Evaluation {
  /** Artifact the labels come from. */
  readonly file: string;
  readonly labelSource: string;
  readonly length: number;
  verdict(index: number): Verdict;
  /**
   * Whether the evaluated row is the generation at this position: undefined when the artifact does not say what
   * it evaluated.
   */
  matches(index: number, row: JsonObject): boolean | undefined;
  /** Members of the artifact that are about one row and have no column, e.g. the judge's reply. */
  extra(index: number): JsonObject | undefined;
  /** How the artifact names its rates, and which rates they are. */
  readonly rates: Readonly<Record<string, Rate>>;
}

/**
 * `halu`: hallucinated of those that did not abstain; `accepted`: hallucinated of all; `refusal`: abstained of all;
 * `correct`: not hallucinated of all.
 */
export type Rate = 'halu' | 'accepted' | 'refusal' | 'correct';

const RATES: Readonly<Record<string, Rate>> = {
  halu_Rate: 'halu',
  refusal_Rate: 'refusal',
  refusal_rate: 'refusal',
  correct_rate: 'correct',
};

/** Accepting an invented entity is the hallucination of the refusal tasks. */
const REFUSAL_RATES: Readonly<Record<string, Rate>> = {
  false_acceptance_rate: 'accepted',
  refusal_rate: 'refusal',
};

const POSITIONAL: ReadonlySet<string> = new Set([
  'halu_test_res',
  'abstantion',
  'prompt',
  'generation',
  'answer',
]);

function flag(value: JsonValue | undefined): boolean | null {
  if (typeof value === 'boolean') return value;
  return value === 0 || value === 1 ? value === 1 : null;
}

function list(value: JsonValue | undefined): readonly JsonValue[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function sourceOf(document: JsonObject, fallback: string): string {
  for (const key of ['evaluator_hallucination', 'hallucination_evaluation']) {
    const value = document[key];
    if (typeof value === 'string') return value;
  }
  return fallback;
}

/** Shapes A, B and E: positional arrays. */
function fromArrays(document: JsonObject, file: string): Evaluation {
  const halu = list(document['halu_test_res']) ?? [];
  const abstained = list(document['abstantion']);
  const prompts = list(document['prompt']);
  const generations = list(document['generation']);
  const others = Object.entries(document).flatMap(([key, value]) =>
    Array.isArray(value) && value.length === halu.length && !POSITIONAL.has(key) ? [{ key, value }] : [],
  );
  return {
    file,
    labelSource: sourceOf(document, file),
    length: halu.length,
    rates: RATES,
    verdict: (i) => ({ halu: flag(halu[i]), abstained: flag(abstained?.[i]) }),
    matches: (i, row) =>
      prompts === undefined && generations === undefined
        ? undefined
        : (prompts === undefined || prompts[i] === row['prompt']) &&
          (generations === undefined || generations[i] === row['generation']),
    extra: (i) =>
      others.length === 0
        ? undefined
        : Object.fromEntries(others.map(({ key, value }) => [key, value[i] as JsonValue])),
  };
}

/** Shape D: true means that the model refused. */
function fromRefusals(document: JsonObject, file: string): Evaluation {
  const refused = list(document['refusal_eval_raw']) ?? [];
  return {
    file,
    labelSource: 'refusal_judge',
    length: refused.length,
    rates: REFUSAL_RATES,
    verdict: (i) => {
      const abstained = flag(refused[i]);
      return { halu: abstained === null ? null : !abstained, abstained };
    },
    matches: () => undefined,
    extra: () => undefined,
  };
}

async function readAll(
  object: ObjectInfo,
  file: string,
  context: ReadContext,
  log: IssueLog,
): Promise<JsonValue[]> {
  const values: JsonValue[] = [];
  for await (const records of readJsonRecords(context, object, file, log)) {
    for (const { value } of records) values.push(value);
  }
  return values;
}

/** `raw_eval_res.jsonl` of the string-matching tasks: one verdict a line, with the generation it is about. */
async function fromRawMatches(
  object: ObjectInfo,
  context: ReadContext,
  log: IssueLog,
): Promise<Evaluation | undefined> {
  const file = 'raw_eval_res.jsonl';
  const rows = await readAll(object, file, context, log);
  if (rows.length === 0 || !rows.every((row) => rawMatchSchema.safeParse(row).success)) return undefined;
  const at = (i: number): JsonObject => {
    const row = rows[i];
    return isJsonObject(row) ? row : {};
  };
  return {
    file,
    labelSource: 'string_matching',
    length: rows.length,
    rates: RATES,
    verdict: (i) => ({ halu: flag(at(i)['is_hallucination']), abstained: flag(at(i)['is_abstaining']) }),
    matches: (i, row) =>
      at(i)['generation'] === row['generation'] &&
      (!('question' in at(i)) || !('question' in row) || at(i)['question'] === row['question']),
    extra: () => undefined,
  };
}

function isAbstaining(reply: string): boolean | null {
  try {
    const value = parseJson(reply);
    return isJsonObject(value) ? flag(value['is_abstaining']) : null;
  } catch {
    return null;
  }
}

/**
 * The judge's raw replies, which are left when evaluation broke off before it wrote its results. A reply is
 * "not hallucinated" only if it is exactly `correct` or `yes` in any case.
 */
async function fromJudgeReplies(
  halu: ObjectInfo,
  abstain: ObjectInfo | undefined,
  context: ReadContext,
  log: IssueLog,
): Promise<Evaluation | undefined> {
  const file = 'halu_eval_raw.jsonl';
  const reply = (value: JsonValue | undefined): string | undefined => {
    const parsed = rawJudgeSchema.safeParse(value);
    return parsed.success ? parsed.data.eval_res : undefined;
  };
  const replies = (await readAll(halu, file, context, log)).map(reply);
  if (replies.length === 0) return undefined;
  const abstentions =
    abstain === undefined ? [] : (await readAll(abstain, 'abstain_eval_raw.jsonl', context, log)).map(reply);
  return {
    file,
    labelSource: 'llm_judge',
    length: replies.length,
    rates: RATES,
    verdict: (i) => {
      const text = replies[i]?.toLowerCase();
      const abstention = abstentions[i];
      return {
        halu: text === undefined ? null : text !== 'correct' && text !== 'yes',
        abstained: abstention === undefined ? null : isAbstaining(abstention),
      };
    },
    matches: () => undefined,
    extra: (i) => (replies[i] === undefined ? undefined : { is_hallucinated_raw_generation: replies[i] }),
  };
}

export interface ReadEvaluation {
  readonly evaluation: Evaluation | undefined;
  /** A second opinion by an LLM judge beside the first. */
  readonly judge: Evaluation | undefined;
  /** Documents whose numbers are reported metrics, with a prefix for their names. */
  readonly documents: readonly {
    readonly file: string;
    readonly prefix: string;
    readonly value: JsonObject;
  }[];
}

/** Finds the labels of an output tree, in whichever of the shapes they were written. */
export async function readEvaluation(
  files: ReadonlyMap<string, ObjectInfo>,
  context: ReadContext,
  log: IssueLog,
): Promise<ReadEvaluation> {
  const results = await readRunDocument(files, 'eval_results.json', context, log);
  const training = await readRunDocument(files, 'eval_results_for_training.json', context, log);
  const llm = await readRunDocument(files, 'eval_results_llm.json', context, log);
  const arrays = (value: JsonObject | undefined, file: string): Evaluation | undefined =>
    value !== undefined && evalArraysSchema.safeParse(value).success ? fromArrays(value, file) : undefined;
  const judge = arrays(llm, 'eval_results_llm.json');
  let evaluation = arrays(results, 'eval_results.json') ?? arrays(training, 'eval_results_for_training.json');
  if (evaluation === undefined && results !== undefined) {
    if (evalRefusalsSchema.safeParse(results).success)
      evaluation = fromRefusals(results, 'eval_results.json');
    else if (!evalAggregatesSchema.safeParse(results).success) {
      log.warn({
        code: 'UNKNOWN_EVAL_SHAPE',
        file: 'eval_results.json',
        message:
          'neither positional labels nor refusals nor aggregates; its numbers are kept, labels are not read',
      });
    }
  }
  const raw = files.get('raw_eval_res.jsonl');
  const halu = files.get('halu_eval_raw.jsonl');
  if (evaluation === undefined && raw !== undefined) evaluation = await fromRawMatches(raw, context, log);
  if (evaluation === undefined && halu !== undefined)
    evaluation = await fromJudgeReplies(halu, files.get('abstain_eval_raw.jsonl'), context, log);
  return {
    evaluation: evaluation ?? judge,
    judge: evaluation === undefined ? undefined : judge,
    documents: [
      ...(results === undefined ? [] : [{ file: 'eval_results.json', prefix: '', value: results }]),
      ...(llm === undefined ? [] : [{ file: 'eval_results_llm.json', prefix: 'llm_', value: llm }]),
    ],
  };
}

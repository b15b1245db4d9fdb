import { parseLabel } from '../../../ingest/contracts/hallulens/prediction.ts';
import type { JsonObject, JsonValue } from '../../../ingest/contracts/json-value.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';
import { answersOf } from '../source/answers.ts';
import { parseTemplate, type Template } from '../source/template.ts';
import type { TextRequest } from '../text-model/text-model.ts';
import { DEFAULT_PROMPT_TEMPLATE, type InferenceSpec } from './inference-spec.ts';

/** A row that is to be answered. */
export interface Item {
  /** Position in the rows of the job. */
  readonly id: number;
  readonly row: JsonObject;
  readonly prompt: string;
  readonly answers: readonly string[];
  /** What the row itself says of the response. */
  readonly label: boolean | undefined;
}

/**
 * Makes prompts of rows.
 * @throws PermanentTaskError for a row without a prompt, or without what it is to be judged by: before anything is generated
 */
export function itemsOf(rows: ReadonlyMap<number, JsonObject>, spec: InferenceSpec): Item[] {
  const template = promptTemplate(spec);
  return [...rows].map(([id, row]) => {
    const answers = answersOf(row, spec.answerColumn);
    const label = spec.labelColumn === undefined ? undefined : labelOf(row[spec.labelColumn]);
    if (spec.labelColumn !== undefined && label === undefined)
      throw badRow(id, `no label in ${spec.labelColumn}; expected 0, 1, true or false`);
    if (label === undefined && spec.evaluator !== 'none' && answers.length === 0) {
      const where = spec.answerColumn === undefined ? '' : ` in ${spec.answerColumn}`;
      throw badRow(
        id,
        `no correct answer${where} to judge by; expected one, a labelColumn, or the evaluator none`,
      );
    }
    return { id, row, prompt: template(row), answers, label };
  });
}

function badRow(id: number, message: string): PermanentTaskError {
  return new PermanentTaskError('BAD_ROW', `row ${id}: ${message}`);
}

function promptTemplate(spec: InferenceSpec): Template {
  if (spec.promptTemplate !== undefined) return parseTemplate(spec.promptTemplate);
  const question = parseTemplate(DEFAULT_PROMPT_TEMPLATE);
  // A question that was made for the row is what is to be asked, whatever the row had before.
  const made = spec.questionModel !== undefined;
  return (row) => (typeof row['prompt'] === 'string' && !made ? row['prompt'] : question(row));
}

function labelOf(value: JsonValue | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return parseLabel(value);
  return value === 0 || value === 1 ? value === 1 : undefined;
}

/** What a text model is asked for an item: a conversation where the specification says `chat`, else a plain text. */
export function requestOf({ id, prompt, answers }: Item, spec: InferenceSpec): TextRequest {
  const { chat, systemPrompt } = spec;
  const system = systemPrompt === undefined ? [] : [{ role: 'system', content: systemPrompt }];
  return {
    id,
    prompt: chat ? { messages: [...system, { role: 'user', content: prompt }] } : { text: prompt },
    ...(answers.length > 0 && { answers }),
  };
}

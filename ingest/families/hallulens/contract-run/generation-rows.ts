import type { ColumnRows, Row } from '../../../../lake/tables/schema.ts';
import { TextColumn } from '../../../../lake/tables/text-column.ts';
import { type GenerationRecord, isGenerationRecord } from '../../../contracts/hallulens/generation.ts';
import { type JsonObject, type JsonValue, nonEmptyTextOf } from '../../../contracts/json-value.ts';
import type { AlikeRows } from '../../../formats/alike/alike-lines.ts';
import type { JsonMembers } from '../../../formats/alike/json-lines.ts';
import { ObjectText } from '../../../formats/alike/object-text.ts';
import { extraJson, jsonText } from '../../../run-files/json-text.ts';
import { type ExpectedIdentity, identityMismatches } from './run-identity.ts';

const COLUMNS: ReadonlySet<string> = new Set([
  'example_id',
  'benchmark',
  'split',
  'seed',
  'model_id',
  'prompt',
  'response',
  'reference',
  'label',
  'generation_params',
  'timing',
  'activation_key',
]);

const LABEL_COLUMNS: ReadonlySet<string> = new Set(['halu', 'label_source']);

function optionalJson(value: JsonValue | undefined): string | null {
  return value === undefined || value === null ? null : jsonText(value);
}

/** Whether the label says so; `true` and 1 do. */
export function isHallucination({ label }: GenerationRecord): boolean {
  return label.halu === true || label.halu === 1;
}

/** `label` is taken apart into columns; when it holds more than these, it is kept with the unknown members as well. */
function keptLabel({ label }: GenerationRecord): JsonObject {
  return Object.keys(label).every((key) => LABEL_COLUMNS.has(key)) ? {} : { label };
}

/** The row of a record. */
export function generationRow(record: GenerationRecord, key: string | undefined, line: number): Row {
  const abstained = record.label['abstained'] ?? record['abstained'];
  const label = keptLabel(record);
  return {
    example_id: record.example_id,
    activation_key: key,
    benchmark: record.benchmark,
    split: record.split,
    seed: record.seed,
    model_id: record.model_id,
    prompt: record.prompt,
    response: record.response,
    reference: optionalJson(record['reference']),
    halu: isHallucination(record),
    abstained: typeof abstained === 'boolean' ? abstained : null,
    label_source: record.label.label_source,
    generation_params: jsonText(record.generation_params),
    timing: optionalJson(record['timing']),
    source_line: line,
    extra:
      'label' in label
        ? jsonText({ ...Object.fromEntries(unknownMembers(record)), ...label })
        : extraJson(record, COLUMNS),
  };
}

function unknownMembers(record: GenerationRecord): [string, JsonValue][] {
  return Object.entries(record).filter(([key]) => !COLUMNS.has(key));
}

/** What the lines of a file have in common often; everything else is taken to differ from line to line. */
export const GENERATION_MEMBERS: JsonMembers = {
  fixed: new Set(['benchmark', 'split', 'seed', 'model_id', 'label']),
  texts: new Set(['example_id', 'prompt', 'response', 'activation_key']),
};

/** What a record says of all that are like it. */
export interface GenerationTemplate {
  /** The row, right in the columns that `generationRows` does not replace. */
  readonly row: Row;
  readonly halu: boolean;
  readonly split: string;
  readonly extra: ObjectText;
}

/**
 * Undefined unless a record is beyond reproach, whatever its slots hold: the kind of their values is all that the
 * contract asks of them, their links apart.
 */
export function generationTemplate(
  record: JsonValue,
  identity: ExpectedIdentity,
): GenerationTemplate | undefined {
  if (!isGenerationRecord(record) || identityMismatches(record, identity).length > 0) return undefined;
  if (nonEmptyTextOf(record['activation_key']) === undefined) return undefined;
  return {
    row: generationRow(record, undefined, 0),
    halu: isHallucination(record),
    split: record.split,
    extra: new ObjectText(
      unknownMembers(record).map(([key]) => key),
      keptLabel(record),
    ),
  };
}

/** The first rows of a batch. */
export function generationRows(rows: AlikeRows<JsonValue, GenerationTemplate>, length: number): ColumnRows {
  const extra = new TextColumn();
  for (let row = 0; row < length; row++) rows.templates[row]!.extra.write(rows, row, extra);
  return {
    length,
    rows: rows.templates.map(({ row }) => row),
    columns: {
      example_id: rows.column('example_id'),
      activation_key: rows.column('activation_key'),
      prompt: rows.column('prompt'),
      response: rows.column('response'),
      reference: rows.column('reference'),
      generation_params: rows.column('generation_params'),
      timing: rows.column('timing'),
      source_line: rows.lines,
      extra,
    },
  };
}

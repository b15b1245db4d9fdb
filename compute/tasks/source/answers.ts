import { isJsonObject, type JsonObject, type JsonValue } from '../../../ingest/contracts/json-value.ts';
import { parseJson } from '../../../ingest/run-files/json-text.ts';

/** Where the HalluLens tasks, and the contract's references, have the correct answers; the first that is there counts. */
const COLUMNS = ['correct_answers', 'possible_answers', 'answers', 'answer', 'best_answer'] as const;

/**
 * The correct answers of a row; none where it has none. PopQA and TruthfulQA keep lists as JSON texts, SQuAD as
 * `{text: […]}`; NaN is what pandas makes of an empty cell.
 */
export function answersOf(row: JsonObject, column?: string): string[] {
  for (const name of column === undefined ? COLUMNS : [column]) {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    const answers = value === undefined ? [] : answersIn(value);
    if (answers.length > 0) return answers;
  }
  return [];
}

function answersIn(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => answersIn(item));
  if (typeof value === 'string') {
    const list = value.trimStart().startsWith('[') ? parsedList(value) : undefined;
    return list ?? (value === '' ? [] : [value]);
  }
  if (typeof value === 'number') return Number.isNaN(value) ? [] : [String(value)];
  if (typeof value === 'bigint' || typeof value === 'boolean') return [String(value)];
  if (!isJsonObject(value)) return [];
  const text = value['text'];
  return text === undefined ? answersOf(value) : answersIn(text);
}

function parsedList(text: string): string[] | undefined {
  try {
    const value = parseJson(text);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  } catch {
    // A text that begins with a bracket.
  }
  return undefined;
}

import { isKnownTruth, type Label } from '../../../../ingest/contracts/chaosbench/prediction.ts';
import type { JsonObject, JsonValue } from '../../../../ingest/contracts/json-value.ts';
import { pythonStrip } from '../../../../ingest/families/chaosbench/answer/python-text.ts';

/** One question of the benchmark. */
export interface Item {
  readonly id: string;
  readonly question: string;
  readonly truth: Label;
  readonly family: string | null;
  readonly split: string | null;
}

/** Names of a member, the one that counts first. */
const ALIASES = {
  id: ['id', 'item_id'],
  question: ['question', 'prompt'],
  truth: ['ground_truth', 'answer', 'gold', 'label'],
  family: ['task_family', 'family', 'type'],
  split: ['split'],
} as const;

const TRUE = new Set(['YES', 'Y', 'TRUE', 'T']);
const FALSE = new Set(['NO', 'N', 'FALSE', 'F']);

/** `TRUE` or `FALSE` however it is spelled; what is neither in capitals. */
export function normalizedTruth(value: string): string {
  const truth = pythonStrip(value).toUpperCase();
  if (TRUE.has(truth)) return 'TRUE';
  return FALSE.has(truth) ? 'FALSE' : truth;
}

/** What is wrong with a row of a dataset. */
export class BadItem extends Error {}

/** Reads a row of a dataset. @throws BadItem for one that cannot be asked, or that no answer could be right about */
export function itemOf(row: JsonObject): Item {
  const id = textOf(row, 'id');
  if (id === null) throw new BadItem(`no id; expected one in ${ALIASES.id.join(' or ')}`);
  const question = textOf(row, 'question');
  if (question === null) throw new BadItem(`no question; expected one in ${ALIASES.question.join(' or ')}`);
  const found = textOf(row, 'truth');
  const truth = normalizedTruth(found ?? '');
  if (!isKnownTruth(truth)) {
    const what = found === null ? 'no ground truth' : `the ground truth ${JSON.stringify(found)}`;
    throw new BadItem(`${what}; expected TRUE or FALSE (YES, NO, Y, N, T, F) in ${ALIASES.truth.join(', ')}`);
  }
  return { id, question, truth, family: textOf(row, 'family'), split: textOf(row, 'split') };
}

/** The first of a member's names that is there and not empty. */
function textOf(row: JsonObject, member: keyof typeof ALIASES): string | null {
  for (const name of ALIASES[member]) {
    const text = Object.hasOwn(row, name) ? scalarText(row[name]!) : '';
    if (text !== '') return text;
  }
  return null;
}

function scalarText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? String(value)
    : '';
}

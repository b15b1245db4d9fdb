/** Why an answer may be invalid, as far as its text tells. */
export type InvalidCategory = 'empty_response' | 'refusal' | 'hedging_or_multi_answer' | 'formatting_failure';

const HEDGES = ['both', 'either', 'depends', 'unclear', 'uncertain'];

/** The category of an invalid answer by its stored text; blanks are a failure of form, not an empty response. */
export function invalidCategory(text: string): InvalidCategory {
  if (text === '') return 'empty_response';
  const answer = text.trim().toLowerCase();
  const refuses = answer.startsWith('i cannot') || answer.startsWith("i'm unable");
  if (refuses || answer.includes('cannot provide')) return 'refusal';
  return HEDGES.some((word) => answer.includes(word)) ? 'hedging_or_multi_answer' : 'formatting_failure';
}

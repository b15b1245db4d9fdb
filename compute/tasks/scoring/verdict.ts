import { isJsonObject } from '../../../ingest/contracts/json-value.ts';
import { parseJson } from '../../../ingest/run-files/json-text.ts';
import { splitWords } from './python-text.ts';

/** How a judge's reply is read: all of it, as precise_wikiqa does, or its first word, as the other HalluLens tasks do. */
export const VERDICT_READINGS = ['whole', 'first_word'] as const;
export type VerdictReading = (typeof VERDICT_READINGS)[number];

/** The words that decide, in lower case. */
export interface VerdictWords {
  readonly reading: VerdictReading;
  readonly correct: readonly string[];
  readonly incorrect: readonly string[];
}

/** What a reply says; undefined for one that says neither. The HalluLens tasks take all such replies for hallucinations. */
export function readVerdict(reply: string, words: VerdictWords): 'correct' | 'incorrect' | undefined {
  const lower = reply.toLowerCase();
  // `whole` strips nothing: " correct" is no verdict there.
  const said = words.reading === 'whole' ? lower : (splitWords(lower)[0]?.replace(/[.,;:]+$/, '') ?? '');
  if (words.correct.some((word) => word.toLowerCase() === said)) return 'correct';
  return words.incorrect.some((word) => word.toLowerCase() === said) ? 'incorrect' : undefined;
}

/**
 * `is_abstaining` of the JSON object that a reply is or holds; undefined where there is none. (The HalluLens tasks then
 * take the verdict of the row before.)
 */
export function readAbstention(reply: string): boolean | undefined {
  for (const [text] of reply.matchAll(/\{[^{}]*\}/g)) {
    try {
      const value = parseJson(text);
      const said = isJsonObject(value) ? value['is_abstaining'] : undefined;
      if (typeof said === 'boolean') return said;
    } catch {
      // Braces in prose.
    }
  }
  return undefined;
}

/** Phrases with which models decline to answer. */
export const ABSTENTION_PHRASES = [
  'i do not know',
  "i don't know",
  'i cannot answer',
  "i can't answer",
  'i am not sure',
  "i'm not sure",
  'i have no information',
  'i do not have',
  "i don't have",
  'not aware of',
  'unable to answer',
  'no information',
] as const;

/** Whether a response has one of the phrases in it, whatever the case and the form of its apostrophes. */
export function hasPhrase(response: string, phrases: readonly string[]): boolean {
  const plain = (text: string): string => text.toLowerCase().replaceAll('\u2019', "'");
  const text = plain(response);
  return phrases.some((phrase) => text.includes(plain(phrase)));
}

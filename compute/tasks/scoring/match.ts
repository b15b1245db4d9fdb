import { splitWords, strip } from './python-text.ts';

/** How a response is compared with the correct answers; with any of them, as the HalluLens tasks do with aliases. */
export const MATCHES = ['containment', 'exact', 'normalized_exact'] as const;
export type Match = (typeof MATCHES)[number];

/** Whether a response is correct. */
export type Matcher = (response: string, answers: readonly string[]) => boolean;

/**
 * What the HalluLens tasks call exact match: the answer, lower-cased and stripped, is somewhere in the response, lower-cased
 * and stripped. No token boundaries ("no" is in "know"), and an empty answer is in everything.
 */
const containment: Matcher = (response, answers) => {
  const text = strip(response.toLowerCase());
  return answers.some((answer) => text.includes(strip(answer.toLowerCase())));
};

/** The same characters, but for white space at the ends. */
const exact: Matcher = (response, answers) => {
  const text = strip(response);
  return answers.some((answer) => text === strip(answer));
};

const PUNCTUATION = /[!-/:-@[-`{-~]/g;
const ARTICLES = /\b(a|an|the)\b/g;

/** `normalize_answer` of the SQuAD evaluation script: lower case, no ASCII punctuation, no articles, single spaces. */
export function normalizeAnswer(text: string): string {
  return splitWords(text.toLowerCase().replace(PUNCTUATION, '').replace(ARTICLES, ' ')).join(' ');
}

/** Exact match of the SQuAD evaluation script. */
const normalizedExact: Matcher = (response, answers) => {
  const text = normalizeAnswer(response);
  return answers.some((answer) => text === normalizeAnswer(answer));
};

export const matchers: Readonly<Record<Match, Matcher>> = {
  containment,
  exact,
  normalized_exact: normalizedExact,
};

import { isJsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { parseBoolPython, parseFloatPython } from '../../formats/csv/numbers.ts';
import { jsonText } from '../../run-files/json-text.ts';

/** One thing the model was asked about a document, and what came of it. */
export interface Request {
  /** The text it was given. */
  readonly prompt: string;
  /** The continuation that was scored, or the parameters of the generation; undefined for a text scored whole. */
  readonly argument: JsonValue | undefined;
  /** Answers, one a repeat. */
  readonly responses: readonly JsonValue[];
  /** It has more than these two (pictures, say). */
  readonly hasMore: boolean;
}

/** A continuation and how likely the model finds it. */
export interface Choice {
  readonly prompt: string;
  readonly continuation: string;
  /** Natural logarithm of its probability; NaN where that was not recorded. */
  readonly logLikelihood: number;
  /** Whether it is what greedy decoding gives. */
  readonly isGreedy: boolean | null;
}

/** The requests of a sample, whichever way a version writes them. */
export function requestsOf(args: JsonValue | undefined, responses: JsonValue | undefined): Request[] {
  const listed = Array.isArray(args) ? args : isJsonObject(args) ? Object.values(args) : [];
  const answers = Array.isArray(responses) ? responses : [];
  return listed.map((request, i) => {
    const parts = Array.isArray(request)
      ? request
      : isJsonObject(request)
        ? Object.values(request)
        : [request];
    const [prompt, argument] = parts;
    const answer = answers[i];
    return {
      prompt: typeof prompt === 'string' ? prompt : jsonText(prompt ?? null),
      argument,
      responses: Array.isArray(answer) ? answer : answer === undefined ? [] : [answer],
      hasMore: parts.length > 2,
    };
  });
}

/** Whether the model wrote text, instead of scoring text that it was given. */
export function isGeneration(requests: readonly Request[], outputType: string | null | undefined): boolean {
  if (outputType !== null && outputType !== undefined) return outputType === 'generate_until';
  return isJsonObject(requests[0]?.argument);
}

/** The texts that were scored, with the first answer to each. Numbers are texts since 0.4.3. */
export function choicesOf(requests: readonly Request[]): Choice[] {
  return requests.map(({ prompt, argument, responses: [answer] }) => {
    const [score, greedy] = Array.isArray(answer) ? answer : [answer, null];
    return {
      prompt,
      continuation: typeof argument === 'string' ? argument : '',
      logLikelihood: asFloat(score),
      isGreedy: asBoolean(greedy),
    };
  });
}

function asBoolean(value: JsonValue | undefined): boolean | null {
  if (typeof value === 'string') return parseBoolPython(value) ?? null;
  return typeof value === 'boolean' ? value : null;
}

function asFloat(value: JsonValue | undefined): number {
  if (typeof value === 'string') return parseFloatPython(value) ?? Number.NaN;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
}

/**
 * The choice the model prefers: the likeliest, the first of equals. Scores of a choice without its question (an empty
 * prompt beside others that are not), which normalise the others, are no choices.
 */
export function preferredChoice(choices: readonly Choice[]): number | undefined {
  const asked = choices.some(({ prompt }) => prompt !== '');
  let best: number | undefined;
  for (const [i, { prompt, logLikelihood }] of choices.entries()) {
    if ((asked && prompt === '') || Number.isNaN(logLikelihood)) continue;
    if (best === undefined || logLikelihood > choices[best]!.logLikelihood) best = i;
  }
  return best;
}

/** How a choice is called: its continuation, or its position where all continuations are the same. */
export function choiceLabel(choices: readonly Choice[], index: number): string {
  const text = choices[index]!.continuation.trim();
  return choices.some(({ continuation }, i) => i !== index && continuation.trim() === text)
    ? String(index)
    : text;
}

/** The label of the right choice, which a task names by position or by text; null where it is neither. */
export function targetLabel(choices: readonly Choice[], target: JsonValue | undefined): string | null {
  const text = typeof target === 'number' || typeof target === 'string' ? String(target).trim() : undefined;
  if (text === undefined) return null;
  const named = choices.findIndex(({ continuation }) => continuation.trim() === text);
  const index = named !== -1 ? named : /^\d+$/.test(text) ? Number(text) : -1;
  return index >= 0 && index < choices.length ? choiceLabel(choices, index) : null;
}

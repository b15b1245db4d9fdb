import type { AnswerSpan } from './generation.ts';

/** Where the first of these answers stands in a text, whatever its case; the longest of those at the same place. */
export function findAnswer(text: string, answers: readonly string[]): AnswerSpan | undefined {
  let best: AnswerSpan | undefined;
  for (const [answer, one] of answers.entries()) {
    const wanted = one.trim();
    if (wanted === '') continue;
    // Not by lower case, which may have another length.
    const found = new RegExp(literal(wanted), 'iu').exec(text);
    if (found === null) continue;
    const start = found.index;
    const end = start + found[0].length;
    if (best === undefined || start < best.start || (start === best.start && end > best.end)) {
      best = { answer, start, end };
    }
  }
  return best;
}

/** A pattern that matches this text; a code point at a time, as the `u` flag allows few escapes. */
function literal(text: string): string {
  return [...text].map((one) => `\\u{${one.codePointAt(0)!.toString(16)}}`).join('');
}

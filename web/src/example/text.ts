/** The right answers of a reference; other references as JSON, undefined where there is none. */
export function referenceText(reference: unknown): string | undefined {
  if (reference === null || reference === undefined) return undefined;
  if (typeof reference === 'string') return reference;
  if (typeof reference === 'object') {
    if ('answers' in reference && Array.isArray(reference.answers)) {
      return reference.answers.map(String).join(', ');
    }
    if ('answer' in reference && typeof reference.answer === 'string') return reference.answer;
    if ('ground_truth' in reference && typeof reference.ground_truth === 'string') {
      return reference.ground_truth;
    }
  }
  return JSON.stringify(reference);
}

/** A label in words. */
export function labelText(halu: boolean | null | undefined): string {
  return halu === null || halu === undefined ? '–' : halu ? 'made up' : 'right';
}

/** A token as the vocabulary has it, with its space as one. */
export function tokenText(token: string | null | undefined): string {
  return token === null || token === undefined ? '–' : token.replaceAll('Ġ', ' ').replaceAll('▁', ' ');
}

export interface Judged {
  readonly correct: boolean | null;
  readonly predHalu: boolean | null;
  readonly labelHalu: boolean | null;
  readonly outcome: string | null;
}

/** Whether a prediction is right, in words: `unreadable` where no answer could be read. */
export function verdictText({ correct, predHalu, labelHalu, outcome }: Judged): string {
  if (outcome === 'INVALID') return 'unreadable';
  const right = correct ?? (predHalu === null || labelHalu === null ? null : predHalu === labelHalu);
  return right === null ? '–' : right ? 'right' : 'wrong';
}

/** An id short enough for a cell: hashes lose their tail. */
export function shortId(id: string): string {
  return /^[0-9a-f]{32,}/.test(id) ? `${id.slice(0, 10)}…` : id;
}

/** What a function vector does to an answer, in words. */
export function changeText(before: number | null, now: number | null): string {
  if (before === null || now === null) return '–';
  if (now === before) return now === 1 ? 'right, also without' : 'wrong, also without';
  return now > before ? 'right with it' : 'wrong with it';
}

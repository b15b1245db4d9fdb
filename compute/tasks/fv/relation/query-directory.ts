import type { ErrorLocation } from '../../../../lake/errors.ts';
import { RelationError } from '../errors.ts';

/** File systems take names of up to 255 bytes, and `qid_<name>_clean_mean.pt` is one. */
const MAX_LENGTH = 200;

/**
 * The name of the directory for the results of a relation query: itself, with all but letters, digits and `_-.`
 * percent-encoded, and a leading dot, so that no text leads elsewhere or means two directories.
 * @throws RelationError the text is no name
 */
export function queryDirectory(qId: string, where: ErrorLocation = {}): string {
  const refuse = (problem: string): never => {
    throw new RelationError(`the relation query ${JSON.stringify(qId.slice(0, 80))} ${problem}`, {
      where,
      expected: `a text of at most ${MAX_LENGTH} letters and digits`,
    });
  };
  if (qId === '') refuse('is empty');
  if (!qId.isWellFormed()) refuse('is not well-formed Unicode');
  const encoded = encodeURIComponent(qId).replace(/^\.|[!'()*~]/g, percent);
  if (encoded.length > MAX_LENGTH) refuse('is too long for the name of a directory');
  return encoded;
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

import { createHash } from 'node:crypto';

/** Tells in logs which lines are about one text, without the text: 16 hexadecimal digits of its SHA-256. */
export function statementId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

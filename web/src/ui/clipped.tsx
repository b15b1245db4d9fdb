import { type ReactNode, useState } from 'react';
import { count } from './format.ts';

/** Letters and lines that a cell shows at first. */
const [LETTERS, LINES] = [240, 6];

/** The beginning of a text; the whole of one that is hardly longer. */
export function beginning(text: string): string {
  const lines = text.split('\n');
  const head = lines.slice(0, LINES).join('\n').slice(0, LETTERS);
  return text.length <= 1.2 * LETTERS && lines.length <= LINES + 1 ? text : head.trimEnd();
}

/** A text that may be long: its beginning, and the rest on demand. */
export function Clipped({ children: text }: { children: string | null | undefined }): ReactNode {
  const [whole, setWhole] = useState(false);
  if (text === null || text === undefined) return '–';
  if (text === '') return <span className="quiet">an empty text</span>;
  const head = beginning(text);
  if (head === text) return <p className="text">{text}</p>;
  return (
    <>
      <p className="text">{whole ? text : `${head} …`}</p>
      <button type="button" className="plain" aria-expanded={whole} onClick={() => setWhole(!whole)}>
        {whole ? 'less' : `all ${count(text.length)} letters`}
      </button>
    </>
  );
}

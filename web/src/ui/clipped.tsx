import { type ReactNode, useState } from 'react';
import { count } from './format.ts';

/** Letters and lines that a place shows at first. */
const ROOM = {
  cell: { letters: 240, lines: 6 },
  passage: { letters: 4000, lines: 60 },
} as const;
export type Room = keyof typeof ROOM;

/** The beginning of a text; the whole of one that is hardly longer. */
export function beginning(text: string, room: Room = 'cell'): string {
  const { letters, lines: most } = ROOM[room];
  const lines = text.split('\n');
  if (text.length <= 1.2 * letters && lines.length <= most + 1) return text;
  // Half of a letter that takes two units is none.
  return lines
    .slice(0, most)
    .join('\n')
    .slice(0, letters)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd();
}

export interface ClippedProps {
  readonly children: string | null | undefined;
  readonly room?: Room;
}

/** A text that may be long: its beginning, and the rest on demand. */
export function Clipped({ children: text, room = 'cell' }: ClippedProps): ReactNode {
  const [whole, setWhole] = useState(false);
  if (text === null || text === undefined) return '–';
  if (text === '') return <span className="quiet">an empty text</span>;
  const head = beginning(text, room);
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

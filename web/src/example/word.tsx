import type { ReactNode } from 'react';
import { Badge } from '../ui/badge.tsx';

const TONES = { right: 'good', wrong: 'bad', unreadable: 'warn', 'made up': 'warn' } as const;

function isToned(word: string): word is keyof typeof TONES {
  return Object.hasOwn(TONES, word);
}

/** A judgement; nothing where there is none. */
export function Word({ children: word }: { children: string }): ReactNode {
  if (word === '–') return word;
  return isToned(word) ? <Badge tone={TONES[word]}>{word}</Badge> : <Badge>{word}</Badge>;
}

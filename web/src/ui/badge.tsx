import type { ReactNode } from 'react';

const TONES: Readonly<Record<string, 'good' | 'bad' | 'warn' | 'busy'>> = {
  completed: 'good',
  OFFICIAL: 'good',
  COMPLIANT: 'good',
  failed: 'bad',
  error: 'bad',
  NON_COMPLIANT: 'bad',
  cancelled: 'warn',
  skipped: 'warn',
  warning: 'warn',
  EXPLORATORY: 'warn',
  running: 'busy',
  pending: 'busy',
};

/** A state or verdict in the colour of its kind; the word says the same. */
export function Badge({ children }: { children: string }): ReactNode {
  return (
    <span className={`badge ${TONES[children] ?? TONES[children.toLowerCase()] ?? ''}`}>{children}</span>
  );
}

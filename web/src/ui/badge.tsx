import type { ReactNode } from 'react';

type Tone = 'good' | 'bad' | 'warn' | 'busy';

const TONES: Readonly<Record<string, Tone>> = {
  completed: 'good',
  OFFICIAL: 'good',
  COMPLIANT: 'good',
  failed: 'bad',
  error: 'bad',
  NONCOMPLIANT: 'bad',
  cancelled: 'warn',
  skipped: 'warn',
  partial: 'warn',
  warning: 'warn',
  EXPLORATORY: 'warn',
  running: 'busy',
  pending: 'busy',
};

/** A state or verdict in the colour of its kind; the word says the same. */
export function Badge({ children, tone }: { children: string; tone?: Tone }): ReactNode {
  return (
    <span className={`badge ${tone ?? TONES[children] ?? TONES[children.toLowerCase()] ?? ''}`}>
      {children}
    </span>
  );
}

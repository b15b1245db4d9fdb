import type { ReactNode } from 'react';
import { Badge } from '../ui/badge.tsx';
import { Clipped } from '../ui/clipped.tsx';
import { measured } from '../ui/format.ts';
import { type Attempt, attemptsOf } from './attempts.ts';
import type { Prediction } from './queries.ts';

const OUTCOMES: Readonly<Record<string, string>> = {
  VALID_TRUE: 'read as TRUE',
  VALID_FALSE: 'read as FALSE',
  INVALID: 'unreadable',
};

/** What the model said each time that it was asked, and how that was read. */
export function Attempts({
  response,
  prediction,
}: {
  response: string | null;
  prediction: Prediction;
}): ReactNode {
  const { outcome, extra } = prediction;
  const attempts = attemptsOf({ response, outcome, extra });
  return (
    <section className="passage">
      <h2>{attempts.length === 1 ? 'Response' : `Responses: asked ${attempts.length} times`}</h2>
      <ol className="attempts">
        {attempts.map((attempt, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: attempts have no other name than their number
          <li key={i}>
            <p className="quiet">
              {attempts.length > 1 && `${i + 1}. `}
              <Badge>{OUTCOMES[attempt.outcome ?? ''] ?? attempt.outcome ?? 'not judged'}</Badge>{' '}
              {how(attempt)}
            </p>
            {attempt.text === undefined ? (
              <p className="quiet">The run kept the later answer only.</p>
            ) : (
              <Clipped room="passage">{attempt.text}</Clipped>
            )}
          </li>
        ))}
      </ol>
      <p className="quiet">
        Truth {prediction.trueLabel ?? '–'}
        {prediction.latencyS !== null && `, ${measured(prediction.latencyS)} s`}
      </p>
    </section>
  );
}

function how({ reason, confidence }: Attempt): string {
  return [reason, confidence === undefined ? undefined : `confidence ${measured(confidence)}`]
    .filter((part) => part !== undefined)
    .join(', ');
}

import { type ReactNode, useMemo } from 'react';
import type { Variables } from '../api/client.ts';
import { type Question, useAnswer } from '../api/use-answer.ts';
import { Answer } from '../ui/states.tsx';
import type { Drawing } from './drawing.ts';
import { Figure } from './figure.tsx';

export interface AskedFigureProps<T> {
  readonly question: Question<T>;
  readonly variables: Variables;
  /** What is loading: "scores". */
  readonly what: string;
  /** Undefined where there is nothing to draw, and then nothing is shown. The same function as long as it draws the same. */
  readonly draw: (found: T) => Drawing | undefined;
}

/** A plot of what a question finds. */
export function AskedFigure<T>(props: AskedFigureProps<T>): ReactNode {
  const { question, variables, what, draw } = props;
  const result = useAnswer(question, variables);
  return (
    <Answer result={result} what={what}>
      {(found) => <Drawn found={found} draw={draw} />}
    </Answer>
  );
}

interface DrawnProps<T> {
  readonly found: T;
  readonly draw: (found: T) => Drawing | undefined;
}

function Drawn<T>({ found, draw }: DrawnProps<T>): ReactNode {
  const drawing = useMemo(() => draw(found), [found, draw]);
  return drawing && <Figure drawing={drawing} />;
}

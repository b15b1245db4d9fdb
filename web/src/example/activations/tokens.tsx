import * as Plot from '@observablehq/plot';
import { type ReactNode, useMemo } from 'react';
import { BLUE, VERMILION } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { Figure } from '../../plots/figure.tsx';
import { wholeTicks } from '../../plots/ticks.ts';
import { measured } from '../../ui/format.ts';
import type { Generation } from '../queries.ts';

/** How sure the model was of each token that it wrote. */
export function Tokens({ tokens }: { tokens: Generation['tokens'] }): ReactNode {
  const drawing = useMemo(() => sureness(tokens), [tokens]);
  if (drawing === undefined) return null;
  return (
    <section>
      <h2>Tokens</h2>
      <Figure drawing={drawing} />
    </section>
  );
}

/** Log-probabilities by position; undefined where none was recorded. */
export function sureness(tokens: Generation['tokens']): Drawing | undefined {
  const known = tokens.flatMap(({ segment, tokenIndex, tokenId, logprob }) =>
    logprob === null ? [] : [{ segment, token: tokenIndex, id: String(tokenId), logprob }],
  );
  const [first] = known;
  if (first === undefined) return undefined;
  // Positions count from the beginning of a segment.
  const shown = known.some(({ segment }) => segment === 'response') ? 'response' : first.segment;
  const rows = known.filter(({ segment }) => segment === shown);
  const mean = rows.reduce((sum, { logprob }) => sum + logprob, 0) / rows.length;
  return {
    title: 'Log-probability of the tokens',
    description: `Nearer to zero is surer; dashed: the mean, ${measured(mean)}.`,
    rows,
    plot: {
      x: {
        label: `token of the ${shown}`,
        ticks: wholeTicks(rows.map(({ token }) => token)),
        tickFormat: 'd',
      },
      y: { label: 'log-probability', grid: true },
      marks: [
        Plot.ruleY([0]),
        Plot.ruleY([mean], { stroke: VERMILION, strokeDasharray: '6 4' }),
        Plot.ruleX(rows, { x: 'token', y: 'logprob', stroke: BLUE }),
        Plot.dot(rows, { x: 'token', y: 'logprob', fill: BLUE, r: 4, channels: { id: 'id' }, tip: true }),
      ],
    },
  };
}

import { type ReactNode, useMemo } from 'react';
import { z } from 'zod';
import type { Variables } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Figure } from '../plots/figure.tsx';
import { drawPoints } from '../run/entropy/points.ts';
import { FactList } from '../ui/fact-list.tsx';
import { measured } from '../ui/format.ts';
import { Answer, Empty } from '../ui/states.tsx';

const number = z.number().nullable();

const atRate = z.object({
  eta: z.number(),
  tokenCount: number,
  weight: number,
  hBase: number,
  hNew: number,
  deltaH: number,
  trueContrib: number,
  linear: number,
  quad: number,
  linquad: number,
});
type AtRate = z.infer<typeof atRate>;

/** Features of a sequence, under the names that the field has for them. */
const FEATURES = {
  length: 'Tokens',
  tokenShare: 'Share of all tokens',
  gdotv: 'g·v',
  vhvv: 'vᵀHv',
  meanLogp: 'Mean log-probability',
  minLogp: 'Least log-probability',
  rbEntropyMean: 'Mean token entropy',
  wjlogpSum: 'Σ w · Jlogp',
  jhSum: 'Σ JH',
  denomCorrScaled: 'Correction of the denominator',
} as const;

const SEQUENCE = {
  query: `query ($run: String!, $sequence: Int!, $asOf: AsOf) {
    entropySequences(filter: { runId: { eq: $run }, sequence: { eq: $sequence } }, orderBy: [{ field: ETA }], first: 1000, asOf: $asOf) {
      nodes { ${Object.keys(atRate.shape).join(' ')} }
    }
    entropyFeatures(filter: { runId: { eq: $run }, sequence: { eq: $sequence } }, first: 1, asOf: $asOf) {
      nodes { ${Object.keys(FEATURES).join(' ')} }
    }
  }`,
  schema: z.object({
    entropySequences: z.object({ nodes: z.array(atRate) }),
    entropyFeatures: z.object({ nodes: z.array(z.record(z.string(), number)) }),
  }),
};

export interface SequenceProps {
  readonly run: string;
  readonly sequence: number;
  readonly asOf: Variables | undefined;
}

/** What one sequence of the evaluation batch adds to the change of entropy. The artifacts of these runs keep no texts. */
export function Sequence({ run, sequence, asOf }: SequenceProps): ReactNode {
  const result = useAnswer(SEQUENCE, { run, sequence, asOf }, { enabled: Number.isInteger(sequence) });
  if (!Number.isInteger(sequence)) return <Empty>The sequences of a run are whole numbers from 0.</Empty>;
  return (
    <Answer result={result} what="the sequence">
      {({ entropySequences: { nodes }, entropyFeatures }) => (
        <Drawn rows={nodes} features={entropyFeatures.nodes[0]} />
      )}
    </Answer>
  );
}

function Drawn({
  rows,
  features,
}: {
  rows: readonly AtRate[];
  features: Record<string, number | null> | undefined;
}): ReactNode {
  const drawing = useMemo(() => contributions(rows), [rows]);
  if (rows.length === 0 && features === undefined) return <Empty>The run has no such sequence.</Empty>;
  return (
    <>
      {rows.length > 0 && (
        <section>
          <h2>Contribution to the change of entropy</h2>
          <div className="columns">
            {drawing && <Figure drawing={drawing} />}
            <Rates rows={rows} />
          </div>
        </section>
      )}
      {features && (
        <section>
          <h2>Derivatives and features</h2>
          <FactList
            facts={Object.entries(FEATURES).flatMap(([name, title]) => {
              const value = features[name] ?? null;
              return value === null ? [] : [[title, measured(value, 4)] as const];
            })}
          />
        </section>
      )}
    </>
  );
}

/** The plot of a run's change, with the contribution of one sequence for the sum. */
function contributions(rows: readonly AtRate[]) {
  const entropyPoints = rows.map(({ eta, trueContrib, linear, linquad }) => ({
    eta,
    deltaHTrue: trueContrib,
    linear,
    linquad,
    ess: null,
    nSequences: null,
  }));
  const drawing = drawPoints({ run: { entropyUpdate: null, entropyPoints } });
  return (
    drawing && {
      ...drawing,
      title: 'Contribution by learning rate',
      description: 'What this sequence adds to the measured change, and to what its derivatives predict.',
    }
  );
}

function Rates({ rows }: { rows: readonly AtRate[] }): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="scroll" tabIndex={0} aria-label="Contribution at each learning rate">
      <table>
        <thead>
          <tr>
            <th className="number">Learning rate</th>
            <th className="number">True</th>
            <th className="number">Linear</th>
            <th className="number">Quadratic</th>
            <th className="number">Weight</th>
            <th className="number">H before</th>
            <th className="number">H after</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ eta, trueContrib, linear, quad, weight, hBase, hNew }) => (
            <tr key={eta}>
              {[eta, trueContrib, linear, quad, weight, hBase, hNew].map((value, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns
                <td key={i} className="number" title={value?.toString() ?? ''}>
                  {measured(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

import { type ReactNode, useMemo } from 'react';
import type { Variables } from '../../api/client.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { Figure } from '../../plots/figure.tsx';
import { count } from '../../ui/format.ts';
import { Answer } from '../../ui/states.tsx';
import { type ExampleRun, type Generation, VECTORS } from '../queries.ts';
import { Nearest } from './nearest.tsx';
import { normsByLayer, normsByToken } from './norm-drawings.ts';
import { type Recording, ranges, recordingsOf } from './norms.ts';

export interface ActivationsProps {
  readonly run: ExampleRun;
  readonly generation: Generation;
  readonly asOf: Variables | undefined;
}

/** What was recorded of the model while it answered: where it lies, its shape, its norms. */
export function Activations({ run, generation, asOf }: ActivationsProps): ReactNode {
  const { activationKey } = generation;
  const stores = run.stores.map(({ storeId }) => storeId);
  const result = useAnswer(
    VECTORS,
    { key: activationKey, stores, asOf },
    { enabled: activationKey !== null && stores.length > 0 },
  );
  if (activationKey === null || stores.length === 0) return null;
  return (
    <section>
      <h2>Activations</h2>
      <Answer result={result} what="activations">
        {({ activations: { nodes, totalCount } }) => (
          <Recordings
            activationKey={activationKey}
            asOf={asOf}
            recordings={recordingsOf(nodes)}
            stores={run.stores}
            left={totalCount - nodes.length}
            total={totalCount}
          />
        )}
      </Answer>
    </section>
  );
}

interface RecordingsProps {
  readonly activationKey: string;
  readonly asOf: Variables | undefined;
  readonly recordings: readonly Recording[];
  readonly stores: ExampleRun['stores'];
  readonly total: number;
  /** Vectors that are not here. */
  readonly left: number;
}

function Recordings({ activationKey, asOf, recordings, stores, total, left }: RecordingsProps): ReactNode {
  const states = recordings.find(({ site }) => site === 'resid_post');
  if (recordings.length === 0) {
    return <p className="quiet">The stores of this run have no vectors under the key of this answer.</p>;
  }
  return (
    <>
      <p className="quiet">
        {count(total)} {total === 1 ? 'vector' : 'vectors'}
        {left > 0 && `; the plots leave out the last ${count(left)}`}.
      </p>
      {recordings.map((recording) => (
        <RecordingParts
          key={`${recording.storeId} ${recording.site} ${recording.tokenSelector}`}
          recording={recording}
          store={stores.find(({ storeId }) => storeId === recording.storeId)}
        />
      ))}
      {states && <Nearest activationKey={activationKey} recording={states} asOf={asOf} />}
    </>
  );
}

const SELECTORS: Readonly<Record<string, string>> = {
  all: 'every token',
  last: 'the last token',
  mean: 'the mean over tokens',
};

function RecordingParts({
  recording,
  store,
}: {
  recording: Recording;
  store: ExampleRun['stores'][number] | undefined;
}): ReactNode {
  const drawings = useMemo(
    () => [normsByLayer(recording), normsByToken(recording)].filter((drawing) => drawing !== undefined),
    [recording],
  );
  const { site, layers, positions, dims, dtypes, tokenSelector } = recording;
  return (
    <>
      <p className="recording">
        <code>{site}</code> of layers {ranges(layers)}, {SELECTORS[tokenSelector] ?? tokenSelector} (
        {positions.map(({ segment, n }) => `${count(n)} of the ${segment ?? 'sequence'}`).join(', ')}
        ), {dims.map(count).join(' or ')} numbers of {dtypes.join(' or ')} each
        {store && (
          <>
            {' '}
            in a {store.format} store <code>{store.uri ?? store.storeId}</code>
          </>
        )}
        .
      </p>
      {drawings.map((drawing) => (
        <Figure key={drawing.title} drawing={drawing} />
      ))}
    </>
  );
}

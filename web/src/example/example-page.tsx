import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import type { Variables } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { runAddress } from '../runs/address.ts';
import { Answer, Empty, Failure } from '../ui/states.tsx';
import { Activations } from './activations.tsx';
import { type ExamplePlace, exampleAddress, examplePlaceOf, listParameters } from './address.ts';
import { AnswerText } from './answer-text.tsx';
import './example.css';
import { Injections } from './injections.tsx';
import { listNamed } from './lists.ts';
import { Methods } from './methods.tsx';
import { useNeighbours } from './neighbours.ts';
import { Provenance } from './provenance.tsx';
import { EXAMPLE, type ExampleAnswer, type ExampleRun, type Generation, type Prediction } from './queries.ts';
import { Samples } from './samples.tsx';
import { Sequence } from './sequence.tsx';
import { Steps } from './steps.tsx';
import { shortId } from './text.ts';
import { Tokens } from './tokens.tsx';

/** All that the lake knows of one example. */
export function ExamplePage(): ReactNode {
  const [address] = useSearchParams();
  const place = examplePlaceOf(address);
  if (place === undefined) {
    return (
      <Empty>
        The address names no example: it needs <code>run</code> and <code>example</code>.{' '}
        <Link href="/runs">All runs</Link>
      </Empty>
    );
  }
  return <Asked place={place} />;
}

function Asked({ place }: { place: ExamplePlace }): ReactNode {
  const { run, example, snapshot } = place;
  const asOf = snapshot === undefined ? undefined : { snapshot };
  const result = useAnswer(EXAMPLE, { run, runId: run, example, asOf });
  return (
    <Answer result={result} what="the example">
      {(found) =>
        found.run === null ? (
          <Empty>There is no run {run}.</Empty>
        ) : (
          <Shown place={place} asOf={asOf} found={found} run={found.run} stale={result.isPlaceholderData} />
        )
      }
    </Answer>
  );
}

interface ShownProps {
  readonly place: ExamplePlace;
  readonly asOf: Variables | undefined;
  readonly found: ExampleAnswer;
  readonly run: ExampleRun;
  /** Whether another example is still shown while this one is fetched. */
  readonly stale: boolean;
}

function Shown({ place, asOf, found, run, stale }: ShownProps): ReactNode {
  const { example, snapshot } = place;
  const entropy = run.family === 'ENTROPY';
  const list = entropy ? 'batch' : listNamed(run, place.list, place.of);
  const neighbours = useNeighbours(place, list, asOf);
  const { nodes } = found.generations;
  // Where a run repeats an example, both tables have the line of the one file.
  const generation = nodes.find(({ sourceLine }) => sourceLine === place.line) ?? nodes[0];
  // Those of function vectors are one a block, which the page has as trials.
  const predictions =
    run.family === 'FV'
      ? []
      : ownPredictions(found.predictions.nodes, nodes.length > 1 ? place.line : undefined);
  return (
    <div className="example" aria-busy={stale}>
      <p className="quiet trail">
        <Link href={`${runAddress(run.id)}${listParameters(place, run.family)}`}>{run.id}</Link>
      </p>
      <h1>{entropy ? `Sequence ${example}` : `Example ${shortId(example)}`}</h1>
      {snapshot !== undefined && (
        <p className="quiet">
          This is the lake as it was when the link was made.{' '}
          <Link href={exampleAddress({ ...place, snapshot: undefined })}>The newest state</Link>
        </p>
      )}
      {neighbours.isError && <Failure error={neighbours.error} again={() => void neighbours.refetch()} />}
      {neighbours.data && <Steps place={place} found={neighbours.data} />}
      {entropy ? (
        <Sequence run={run.id} sequence={Number(example)} asOf={asOf} />
      ) : (
        <Parts example={example} run={run} generation={generation} predictions={predictions} asOf={asOf} />
      )}
      <Provenance
        place={place}
        run={run}
        lines={[
          ['generations', generation?.sourceLine],
          ['predictions', predictions[0]?.sourceLine],
        ]}
        snapshot={found.lake.snapshot}
        asOf={asOf}
      />
    </div>
  );
}

/** Of an example that a run repeats, the predictions of one line only. */
function ownPredictions(
  predictions: readonly Prediction[],
  line: number | null | undefined,
): readonly Prediction[] {
  const own = predictions.filter(({ sourceLine }) => sourceLine === line);
  return own.length > 0 ? own : predictions;
}

interface PartsProps {
  readonly example: string;
  readonly run: ExampleRun;
  readonly generation: Generation | undefined;
  readonly predictions: readonly Prediction[];
  readonly asOf: Variables | undefined;
}

function Parts({ example, run, generation, predictions, asOf }: PartsProps): ReactNode {
  const [prediction] = predictions;
  if (generation === undefined && prediction === undefined) {
    return (
      <Empty>
        Run {run.id} has no example {example}.
      </Empty>
    );
  }
  return (
    <>
      <AnswerText run={run} example={example} generation={generation} prediction={prediction} />
      {run.family === 'FV' ? (
        <Injections run={run.id} example={example} asOf={asOf} />
      ) : (
        <Methods run={run} example={example} generation={generation} prediction={prediction} asOf={asOf} />
      )}
      {run.family !== 'FV' && generation !== undefined && (
        <Samples run={run} example={example} generation={generation} asOf={asOf} />
      )}
      {generation !== undefined && (
        <div className="columns">
          <Activations run={run} generation={generation} asOf={asOf} />
          <Tokens tokens={generation.tokens} />
        </div>
      )}
    </>
  );
}

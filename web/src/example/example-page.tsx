import { type ReactNode, useRef } from 'react';
import { Link, useSearchParams } from 'wouter';
import type { Variables } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { runAddress } from '../runs/address.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { Activations } from './activations/activations.tsx';
import { type ExamplePlace, exampleAddress, examplePlaceOf, listParameters } from './address.ts';
import { AnswerText } from './answer-text.tsx';
import './example.css';
import { Tokens } from './activations/tokens.tsx';
import { ListSteps } from './list/steps.tsx';
import { methodsFilter } from './methods.ts';
import { Methods } from './methods.tsx';
import { Provenance } from './provenance.tsx';
import { EXAMPLE, type ExampleAnswer, type ExampleRun, type Generation, type Prediction } from './queries.ts';
import { Samples } from './samples.tsx';
import { Sequence } from './sequence.tsx';
import { shortId } from './text.ts';
import { Injections } from './trial/injections.tsx';

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
  // Until the answer comes, the example before is shown under its own name.
  const answered = useRef(place);
  if (!result.isPlaceholderData) answered.current = place;
  return (
    <Answer result={result} what="the example">
      {(found) =>
        found.run === null ? (
          <Empty>There is no run {run}.</Empty>
        ) : (
          <Shown place={answered.current} asked={place} asOf={asOf} found={found} run={found.run} />
        )
      }
    </Answer>
  );
}

interface ShownProps {
  /** The example that is shown. */
  readonly place: ExamplePlace;
  /** The one that the address names. */
  readonly asked: ExamplePlace;
  readonly asOf: Variables | undefined;
  readonly found: ExampleAnswer;
  readonly run: ExampleRun;
}

function Shown({ place, asked, asOf, found, run }: ShownProps): ReactNode {
  const { example, snapshot } = place;
  const entropy = run.family === 'ENTROPY';
  const generation = atLine(found.generations.nodes, place.line);
  // Those of function vectors are one a block, which the page has as trials.
  const prediction = run.family === 'FV' ? undefined : atLine(found.predictions.nodes, place.line);
  const methods = methodsFilter(run, example, prediction);
  return (
    <div className="example" aria-busy={place !== asked}>
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
      <ListSteps place={asked} run={run} asOf={asOf} />
      {entropy ? (
        <Sequence run={run.id} sequence={Number(example)} asOf={asOf} />
      ) : (
        <Parts
          example={example}
          run={run}
          generation={generation}
          prediction={prediction}
          methods={methods}
          asOf={asOf}
        />
      )}
      <Provenance
        place={place}
        run={run}
        methods={methods}
        lines={[
          ['generations', generation?.sourceLine],
          ['predictions', prediction?.sourceLine],
        ]}
        snapshot={found.lake.snapshot}
        asOf={asOf}
      />
    </div>
  );
}

/** Of the rows of an example that a run repeats, the one of a line, where both tables have the line of one file. */
function atLine<R extends { readonly sourceLine: number | null }>(
  rows: readonly R[],
  line: number | null | undefined,
): R | undefined {
  return rows.find(({ sourceLine }) => sourceLine === line) ?? rows[0];
}

interface PartsProps {
  readonly example: string;
  readonly run: ExampleRun;
  readonly generation: Generation | undefined;
  readonly prediction: Prediction | undefined;
  readonly methods: Variables;
  readonly asOf: Variables | undefined;
}

function Parts({ example, run, generation, prediction, methods, asOf }: PartsProps): ReactNode {
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
        <Methods run={run} example={example} generation={generation} filter={methods} asOf={asOf} />
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

import { type ReactNode, useMemo } from 'react';
import { Link } from 'wouter';
import { useAnswer } from '../api/use-answer.ts';
import { exampleAddress } from '../example/address.ts';
import { referenceText } from '../example/text.ts';
import { Figure } from '../plots/figure.tsx';
import { LayerPlot } from '../run/hallulens/layer-plot.tsx';
import { METRICS } from '../run/metrics.ts';
import { modelName } from '../run/title.ts';
import { measured } from '../ui/format.ts';
import { Answer } from '../ui/states.tsx';
import { detectorsOf, detectorsText, drawDetectors } from './detectors.ts';
import { Finding } from './finding.tsx';
import { type DetectedRun, SUREST } from './queries.ts';
import { layersText } from './sentences.ts';

/** What detectors of hallucinations say about the model and the benchmark that the newest runs are about. */
export function Hallucination({ runs }: { runs: readonly DetectedRun[] }): ReactNode {
  const { detectors, drawing } = useMemo(() => {
    const found = detectorsOf(runs);
    return { detectors: found, drawing: drawDetectors(found) };
  }, [runs]);
  const best = detectors[0]?.runs[0];
  const sweep = runs.find(({ method }) => method === 'layer_sweep');
  const [{ modelId, benchmark } = { modelId: null, benchmark: null }] = runs;
  const about = `${modelId === null ? 'the model' : modelName(modelId)} on ${benchmark ?? 'its benchmark'}`;
  return (
    <>
      {drawing !== undefined && (
        <Finding
          question={`Can one tell when ${about} makes things up?`}
          answer={detectorsText(detectors)}
          runs={detectors.flatMap(({ method, runs: [run] }) =>
            run === undefined ? [] : [{ id: run.id, title: method }],
          )}
        >
          <Figure drawing={drawing} />
          {best !== undefined && <Surest id={best.id} />}
        </Finding>
      )}
      {sweep !== undefined && <Layers id={sweep.id} />}
    </>
  );
}

/** The wrong answers that sound surest: what a score alone does not find. */
function Surest({ id }: { id: string }): ReactNode {
  const result = useAnswer(SUREST, { id });
  return (
    <Answer result={result} what="answers">
      {({ predictions: { nodes } }) =>
        nodes.length === 0 ? null : (
          <>
            <p>Made-up answers that it was least suspicious of:</p>
            <ul className="surest">
              {nodes.map(({ exampleId, scoreHalu, generation }) => (
                <li key={exampleId}>
                  <Link href={exampleAddress({ run: id, example: exampleId, list: 'missed' })}>
                    {generation?.prompt?.trim() ?? exampleId}
                  </Link>{' '}
                  <strong>{generation?.response?.trim()}</strong>{' '}
                  <span className="quiet">
                    right: {referenceText(generation?.reference) ?? '–'}; score {measured(scoreHalu)}
                  </span>
                </li>
              ))}
            </ul>
          </>
        )
      }
    </Answer>
  );
}

function Layers({ id }: { id: string }): ReactNode {
  const { data } = useAnswer(METRICS, { id, filter: { metric: { eq: 'auroc' } } });
  return (
    <Finding
      question="In which layers does a probe work?"
      answer={layersText(data?.run?.metrics ?? [])}
      runs={[{ id, title: 'the newest sweep over the layers' }]}
    >
      <LayerPlot id={id} />
    </Finding>
  );
}

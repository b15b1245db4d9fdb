import type { Variables } from '../api/client.ts';
import type { ExampleRun, Generation, OtherPrediction, Prediction } from './queries.ts';

/**
 * Predictions about an example in any run: its id, within the family and the benchmark. Ids that are mere positions
 * mean one example only there.
 */
export function methodsFilter(
  run: Pick<ExampleRun, 'family' | 'benchmark'>,
  example: string,
  prediction: Pick<Prediction, 'benchmark'> | undefined,
): Variables {
  const known = prediction?.benchmark ?? null;
  const inRun = known === null ? run.benchmark : null;
  return {
    exampleId: { eq: example },
    ...(known !== null && { benchmark: { eq: known } }),
    run: { family: { eq: run.family }, ...(inRun !== null && { benchmark: { eq: inRun } }) },
  };
}

/** Whether a prediction is about the text that is shown: `unknown` where its run keeps no texts. */
export function aboutText(
  { generation }: Pick<OtherPrediction, 'generation'>,
  shown: Pick<Generation, 'response'> | undefined,
): 'this' | 'another' | 'unknown' {
  if (shown === undefined || generation?.response === undefined || generation.response === null)
    return 'unknown';
  return generation.response === shown.response ? 'this' : 'another';
}

import type { QuerySet } from '../../../../ingest/contracts/fv/additions.ts';
import type { TokenizedTrial } from '../artifacts/experiment.ts';
import type { LayerInjection } from '../artifacts/injection-files.ts';
import { unusedRows } from '../relation/held-out.ts';
import { injectionScores } from '../scores/injection-scores.ts';
import type { TrialSweep } from '../sweep/readings.ts';
import type { Trial } from '../trials/sample.ts';
import { type PromptTokens, promptTokens } from '../trials/targets.ts';
import { type ZeroShotExample, zeroShotExamples } from '../trials/zero-shot.ts';
import type { StageContext } from './context.ts';

/** Zero-shot examples that vectors are evaluated on. */
export interface ExampleSet {
  readonly querySet: QuerySet;
  readonly sources: readonly ZeroShotExample[];
  /** In the order of the sources. */
  readonly prompts: ReadonlyMap<number, PromptTokens>;
}

/** The distinct queries of the trials, as the reference has it. */
export function extractionSet(context: StageContext, trials: readonly TokenizedTrial[]): ExampleSet {
  return exampleSet(
    context,
    'extraction',
    trials.map(({ trial }) => trial),
  );
}

/** Rows of the relation query that no trial used; undefined where there are none. */
export function heldOutSet(context: StageContext, trials: readonly TokenizedTrial[]): ExampleSet | undefined {
  const { qId } = context.experiment;
  const drawn = trials.map(({ trial }) => trial);
  const rows = unusedRows(context.relation, qId, drawn).map((query) => ({ qId, query }));
  return rows.length === 0 ? undefined : exampleSet(context, 'held_out', rows);
}

function exampleSet(
  { experiment, examined }: StageContext,
  querySet: QuerySet,
  queries: readonly Pick<Trial, 'qId' | 'query'>[],
): ExampleSet {
  const sources = zeroShotExamples(queries, { seed: experiment.seed, count: experiment.evalExamples });
  const prompts = sources.map(({ prompt, output }) => promptTokens(examined.tokenizer, prompt, output));
  return { querySet, sources, prompts: new Map(prompts.entries()) };
}

/**
 * What one vector does at each layer.
 * @param readings by prompt
 * @param from where the readings of the vector begin in `patched`
 */
export function injectionsOf(
  { examined }: StageContext,
  { sources, prompts }: ExampleSet,
  readings: ReadonlyMap<number, TrialSweep>,
  layers: readonly number[],
  from = 0,
): LayerInjection[] {
  return layers.map((layer, at) => {
    const examples = sources.map((source, i) => {
      const { target } = prompts.get(i)!;
      const { base, patched } = readings.get(i)!;
      const targetToken = examined.tokenizer.tokenName(target);
      return { source, target, targetToken, base, with: patched[from + at]! };
    });
    return { layer, examples, scores: injectionScores(examples) };
  });
}

import type { VectorKind } from '../../../../ingest/contracts/fv/additions.ts';
import type { HeadPlace } from '../../../../ingest/families/fv/ranking.ts';
import { PythonRandom } from '../../python/random.ts';
import { derivedSeed } from '../random/derived-seed.ts';
import { ineligible, orderedQueries, type Relation } from '../relation/relation.ts';
import { cleanMeans, norm } from '../sweep/clean-means.ts';
import { cleanPrompt } from '../trials/prompts.ts';
import { randomHeads, randomVector } from '../vectors/controls.ts';
import type { EvaluatedVector } from '../vectors/evaluated-vector.ts';
import { functionVector } from '../vectors/function-vector.ts';
import type { StageContext } from './context.ts';
import type { SweepResult } from './sweep.ts';
import { drawTrials } from './trials.ts';
import type { VectorResult } from './vectors.ts';

/** The controls that are asked for: vectors which have no reason to help. */
export async function controlVectors(
  context: StageContext,
  { means, scores }: SweepResult,
  { top, vector }: VectorResult,
): Promise<EvaluatedVector[]> {
  const { experiment, relation, examined } = context;
  const { qId, seed, additions } = experiment;
  const { info } = examined.model;
  const random = (kind: VectorKind, draw: number) => new PythonRandom(derivedSeed(seed, qId, kind, draw));
  const sum = (of: Float32Array, heads: readonly HeadPlace[]) =>
    functionVector(of, info, heads, (layer) => examined.projectionOf(layer));
  const controls: EvaluatedVector[] = [];
  for (let draw = 0; draw < additions.randomVectors; draw++) {
    const kind = 'random_vector';
    const values = randomVector(info.hidden, norm(vector), random(kind, draw));
    controls.push({ kind, draw, sourceQId: null, heads: [], values });
  }
  for (let draw = 0; draw < additions.randomHeads; draw++) {
    const kind = 'random_heads';
    const heads = randomHeads(scores, top, random(kind, draw));
    // Where every head was chosen there are no others.
    if (heads.length === 0) break;
    controls.push({ kind, draw, sourceQId: qId, heads, values: await sum(means, heads) });
  }
  const other = additions.otherQuery
    ? otherQuery(relation, qId, experiment.demos, additions.heldOut)
    : undefined;
  if (other !== undefined) {
    const values = await sum(await meansOf(context, other), top);
    controls.push({ kind: 'other_query', draw: null, sourceQId: other, heads: top, values });
  }
  return controls;
}

/** The relation query after this one in the order of their names, the first after the last, that has enough rows. */
function otherQuery(relation: Relation, qId: string, demos: number, heldOut: number): string | undefined {
  const all = orderedQueries(relation, undefined);
  const at = all.indexOf(qId);
  return [...all.slice(at + 1), ...all.slice(0, at)].find(
    (other) => ineligible(relation, other, { demos, heldOut }) === undefined,
  );
}

/** Means of the heads over the clean prompts of another relation query: those that its own run has. */
async function meansOf(
  { relation, experiment, examined, options }: StageContext,
  qId: string,
): Promise<Float32Array> {
  const trials = drawTrials(relation, qId, experiment);
  const prompts = trials.map((trial) => examined.tokenizer.encode(cleanPrompt(trial)));
  return cleanMeans(examined.model, prompts, options);
}

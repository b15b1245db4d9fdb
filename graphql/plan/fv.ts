import { z } from 'zod';
import type { QuerySet, VectorKind } from '../../ingest/contracts/fv/additions.ts';
import { bestLayer, rankHeads } from '../../ingest/families/fv/ranking.ts';
import type { EngineValue } from '../../lake/engine/types.ts';
import { FV_HEADS, FV_INJECTIONS } from '../../lake/tables/fv.ts';
import { RUNS } from '../../lake/tables/tables.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import type { PrintedPlan, Source } from './ir.ts';
import { type AnswerPlace, float } from './shape.ts';

/** Which scores of which run. `qId` undefined: the mean over the relation queries, or every one of them. */
export interface FvRequest {
  readonly runId: string;
  readonly column: string;
  readonly qId: string | undefined;
}

/** The injections of one kind of vector on one set of examples. */
export interface LayerCurveRequest extends FvRequest {
  readonly vector: VectorKind;
  readonly querySet: QuerySet;
}

/** Number of heads in a function vector where the run does not say: the one that the contract fixes. */
const DEFAULT_K = 20;

const SCORE_KEYS = FV_HEADS.columns.filter(({ type }) => type === 'double').map(({ name }) => name);

/** Columns of the curve by the metric of the change: [without, with, spread]. */
const CURVES: Readonly<Record<string, readonly [base: string, with_: string, std: string | undefined]>> = {
  mean_delta_p: ['mean_p_base', 'mean_p_with', 'std_delta_p'],
  mean_delta_logprob: ['mean_logprob_base', 'mean_logprob_with', 'std_delta_logprob'],
  mean_delta_logit: ['mean_logit_base', 'mean_logit_with', 'std_delta_logit'],
  delta_acc: ['acc_base', 'acc_with', undefined],
};

function sourcesOf(tables: readonly string[], runId: string): Source[] {
  return tables.map((table) => ({ table, prune: [{ column: 'run_id', in: [runId.toWellFormed()] }] }));
}

function parameters({ runId, qId }: FvRequest): string[] {
  return [runId, ...(qId === undefined ? [] : [qId])].map((text) => text.toWellFormed());
}

const BY_RUN = 'run_id = $1::VARCHAR';

function conditionOf({ qId }: FvRequest): string {
  return qId === undefined ? BY_RUN : `${BY_RUN} AND q_id = $2::VARCHAR`;
}

/** Scores of every head of a run. @throws BadUserInputError for a score that heads do not have */
export function compileHeatmap(request: FvRequest): PrintedPlan {
  if (!SCORE_KEYS.includes(request.column)) {
    throw new BadUserInputError('scoreKey', `${request.column} is no score of heads`, {
      expected: `one of ${SCORE_KEYS.join(', ')}`,
    });
  }
  return {
    sources: sourcesOf([RUNS.name, FV_HEADS.name], request.runId),
    print([runs, heads]) {
      const order = 'ORDER BY h.layer, h.head';
      const columns = ['layer', 'head', 'score', 'selected'].map((name) => `list(h.${name} ${order})`);
      const scores = `SELECT layer, head, avg("${request.column}") AS score, bool_or(selected) AS selected FROM ${heads} WHERE ${conditionOf(request)} GROUP BY layer, head`;
      return {
        text: `SELECT any_value(r.manifest), ${columns.join(', ')} FROM ${runs} r, (${scores}) h WHERE r.${BY_RUN}`,
        params: parameters(request),
      };
    },
  };
}

/** What the ingest noted of the run's shape. */
const factsSchema = z.object({
  runlake: z.object({
    n_layers: z.int().min(0).nullish(),
    n_heads: z.int().min(0).nullish(),
    topk: z.int().min(0).nullish(),
  }),
});

export interface RankedHead {
  readonly rank: number;
  readonly layer: number;
  readonly head: number;
  readonly score: number | null;
  readonly selected: boolean | null;
  readonly tied: boolean;
}

export interface Heatmap {
  readonly layers: number;
  readonly heads: number;
  /** layers x heads; null where there is no score. */
  readonly matrix: readonly (readonly (number | null)[])[];
  readonly missing: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly k: number;
  readonly topHeads: readonly RankedHead[];
  readonly boundaryGap: number | null;
  readonly smallestGap: number | null;
}

interface HeadScore {
  readonly layer: number;
  readonly head: number;
  readonly score: number;
  readonly selected: boolean | null;
}

function listOf(value: EngineValue | undefined): readonly EngineValue[] {
  return Array.isArray(value) ? value : [];
}

function isNumber(value: EngineValue | undefined): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function factsOf(manifest: EngineValue | undefined): z.infer<typeof factsSchema>['runlake'] {
  try {
    const parsed = factsSchema.safeParse(JSON.parse(typeof manifest === 'string' ? manifest : '{}'));
    return parsed.success ? parsed.data.runlake : {};
  } catch {
    // The shape is then what the scores tell.
    return {};
  }
}

/**
 * The heatmap from the row of the statement; undefined for a run without head scores. NaN has no rank and counts as
 * missing; infinite scores have a rank but no number in JSON.
 * @param k how many heads count as the top; the run's own number when undefined
 * @throws LimitExceededError for a matrix of more than `maxCells` cells, which no model has
 */
export function heatmapOf(
  row: readonly EngineValue[] | undefined,
  k: number | undefined,
  maxCells: number,
  { path, issues }: AnswerPlace,
): Heatmap | undefined {
  const [manifest, layerList, headList, scoreList, selectedList] = row ?? [];
  const layerIndices = listOf(layerList).map(Number);
  if (layerIndices.length === 0) return undefined;
  const headIndices = listOf(headList).map(Number);
  const facts = factsOf(manifest);
  const layers = indexCount(layerIndices, facts.n_layers);
  const heads = indexCount(headIndices, facts.n_heads);
  if (layers * heads > maxCells)
    throw new LimitExceededError('rows', maxCells, layers * heads, 'page through fvHeads');
  const matrix = Array.from({ length: layers }, () => new Array<number | null>(heads).fill(null));
  const scores: HeadScore[] = [];
  layerIndices.forEach((layer, i) => {
    const head = headIndices[i] ?? 0;
    const score = listOf(scoreList)[i];
    if (typeof score !== 'number') return;
    matrix[layer]![head] = float(score, [...path, 'matrix', layer, head], issues);
    if (Number.isNaN(score)) return;
    const selected = listOf(selectedList)[i];
    scores.push({ layer, head, score, selected: typeof selected === 'boolean' ? selected : null });
  });
  const ranked = rankHeads(scores, ({ score }) => score);
  const top = Math.min(ranked.length, k ?? facts.topk ?? DEFAULT_K);
  const gaps = ranked.slice(0, top).map(({ score }, i) => gapAfter(score, ranked[i + 1]));
  const finite = (key: string, value: number | undefined) =>
    value === undefined ? null : float(value, [...path, key], issues);
  return {
    layers,
    heads,
    matrix,
    missing: layers * heads - scores.length,
    min: finite('min', ranked.at(-1)?.score),
    max: finite('max', ranked[0]?.score),
    k: top,
    topHeads: ranked.slice(0, top).map((head, i) => ({
      ...head,
      score: float(head.score, [...path, 'topHeads', i, 'score'], issues),
      rank: i + 1,
      tied: ranked[i - 1]?.score === head.score || ranked[i + 1]?.score === head.score,
    })),
    boundaryGap: gaps.at(-1) ?? null,
    smallestGap: gaps.reduce<number | null>(
      (least, gap) => (gap !== null && (least === null || gap < least) ? gap : least),
      null,
    ),
  };
}

function indexCount(indices: readonly number[], noted: number | null | undefined): number {
  return indices.reduce((most, index) => Math.max(most, index + 1), noted ?? 0);
}

/** The distance to the next head; null after the last one, and from an infinite score. */
function gapAfter(score: number, next: HeadScore | undefined): number | null {
  const gap = next === undefined ? Number.NaN : score - next.score;
  return Number.isFinite(gap) ? gap : null;
}

/** The injections of a run. @throws BadUserInputError for a metric that injections do not have */
export function compileLayerCurve(request: LayerCurveRequest): PrintedPlan {
  const columns = CURVES[request.column];
  if (columns === undefined || !Object.hasOwn(CURVES, request.column)) {
    throw new BadUserInputError('metric', `${request.column} is no change that injections are judged by`, {
      expected: `one of ${Object.keys(CURVES).join(', ')}`,
    });
  }
  const [base, with_, std] = columns;
  return {
    sources: sourcesOf([FV_INJECTIONS.name], request.runId),
    print([injections]) {
      const params = parameters(request);
      // Rows from before controls are of the function vector on the queries of its trials.
      const evaluated = [
        `coalesce(vector_kind, 'function_vector') = $${params.length + 1}::VARCHAR`,
        `coalesce(query_set, 'extraction') = $${params.length + 2}::VARCHAR`,
      ].join(' AND ');
      const numbers = [base, with_, request.column].map((name) => `"${name}"`).join(', ');
      return {
        text: `SELECT q_id, draw, layer, n_eval, ${numbers}, ${std === undefined ? 'NULL' : `"${std}"`} FROM ${injections} WHERE ${conditionOf(request)} AND ${evaluated} ORDER BY q_id NULLS FIRST, draw NULLS FIRST, layer`,
        params: [...params, request.vector, request.querySet],
      };
    },
  };
}

export interface LayerPoint {
  readonly qId: string | null;
  readonly draw: number | null;
  readonly layer: number;
  readonly baseline: number | null;
  readonly with: number | null;
  readonly delta: number | null;
  readonly n: number | null;
  readonly std: number | null;
  readonly best: boolean;
}

/** The points of the curve from the rows of the statement. */
export function layerCurveOf(
  rows: readonly (readonly EngineValue[])[],
  { path, issues }: AnswerPlace,
): LayerPoint[] {
  const curveOf = ({ qId, draw }: Pick<LayerPoint, 'qId' | 'draw'>) => JSON.stringify([qId, draw]);
  const deltas = new Map<string, [layer: number, value: number][]>();
  const points = rows.map(([query, drawn, layer, n, base, with_, delta, std], i) => {
    const qId = typeof query === 'string' ? query : null;
    const draw = typeof drawn === 'number' ? drawn : null;
    const curve = curveOf({ qId, draw });
    const own = deltas.get(curve) ?? [];
    deltas.set(curve, own);
    if (isNumber(delta)) own.push([Number(layer), delta]);
    const cell = (key: string, value: EngineValue | undefined) =>
      typeof value === 'number' ? float(value, [...path, i, key], issues) : null;
    return {
      qId,
      draw,
      layer: Number(layer),
      baseline: cell('baseline', base),
      with: cell('with', with_),
      delta: cell('delta', delta),
      n: n === null || n === undefined ? null : Number(n),
      std: cell('std', std),
    };
  });
  const best = new Map([...deltas].map(([curve, values]) => [curve, bestLayer(values)]));
  return points.map((point) => ({ ...point, best: best.get(curveOf(point)) === point.layer }));
}

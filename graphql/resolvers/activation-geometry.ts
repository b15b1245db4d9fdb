import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, FieldResolver, Float, Info, Int, Query, Resolver, Root } from 'type-graphql';
import { type ClassSeparation, classSeparation } from '../../compute/geometry/class-separation.ts';
import { differenceOfMeans } from '../../compute/geometry/difference-of-means.ts';
import { componentScores, principalComponents } from '../../compute/geometry/principal-components.ts';
import { Semaphore } from '../../lake/cache/semaphore.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import {
  compileVectors,
  forEachLayer,
  GEOMETRY_FIELDS,
  type LayerVectors,
} from '../plan/activation-vectors.ts';
import { argumentsOf, asOfArgument, compileOptions } from '../plan/execute.ts';
import { inTime } from '../plan/in-time.ts';
import { ActivationLayers, ClassedActivations } from '../types/activation-choice.ts';
import {
  ActivationComponent,
  LayerComponents,
  LayerMeanDifference,
  LayerSeparation,
} from '../types/activation-geometry.ts';
import { VectorEncoding } from '../types/enums.ts';
import { VectorScalar } from '../types/scalars.ts';
import { base64Floats } from '../values.ts';

const MOST_COMPONENTS = 10;
const MOST_FOLDS = 20;

/** Each holds up to 200 MiB and keeps every core busy: the others wait. */
const AT_ONCE = new Semaphore(2);

/** What the activations of a layer look like together: vectors stay on the server. */
@Resolver()
export class ActivationGeometryResolver {
  @Query(() => [LayerMeanDifference], {
    description:
      'By layer, the mean activation of the positives minus that of the negatives: hallucinations and the rest by the labels of `runIds`, or two filters. Its vector is a direction for projectActivations.',
  })
  differenceOfMeans(
    @Args(() => ClassedActivations) _chosen: ClassedActivations,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<LayerMeanDifference[]> {
    return byLayer(context, info, async ({ layer, rows, set, nUndefined }) => {
      const { positives, negatives, vector, ...found } = await differenceOfMeans(set, labelsOf(rows));
      return {
        ...found,
        layer,
        dim: set.dim,
        nUndefined,
        nPositive: positives,
        nNegative: negatives,
        difference: vector,
      };
    });
  }

  @Query(() => [LayerSeparation], {
    description:
      'By layer, how well the difference of the class means tells positives from negatives that it was not computed from, and how far the classes lie apart.',
  })
  classSeparation(
    @Args(() => ClassedActivations) _chosen: ClassedActivations,
    @Arg('folds', () => Int, { defaultValue: 5, description: `Of groups of prompts, 2 to ${MOST_FOLDS}.` })
    folds: number,
    @Arg('seed', () => Int, { defaultValue: 0, description: 'Of the folds.' }) seed: number,
    @Arg('confidence', () => Float, { defaultValue: 0.95, description: 'Of the interval.' })
    confidence: number,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<LayerSeparation[]> {
    checkRange('folds', folds, 2, MOST_FOLDS);
    if (!(confidence > 0 && confidence < 1)) {
      throw new BadUserInputError('confidence', `${confidence} is no confidence`, {
        expected: 'a number between 0 and 1',
      });
    }
    return byLayer(context, info, async ({ layer, rows, set, nUndefined }) => {
      const classed = { set, labels: labelsOf(rows), groups: groupsOf(rows) };
      const found = await classSeparation(classed, { folds, seed, confidence });
      return { layer, dim: set.dim, nUndefined, ...separationAnswer(found) };
    });
  }

  @Query(() => [LayerComponents], {
    description:
      'By layer, the principal components of the activations, the variance that each explains, and the activations in their coordinates, to plot.',
  })
  pcaActivations(
    @Args(() => ActivationLayers) _chosen: ActivationLayers,
    @Arg('halu', () => Boolean, {
      nullable: true,
      description: 'Only activations with this label in `runIds`.',
    })
    _halu: boolean | undefined,
    @Arg('k', () => Int, { defaultValue: 2, description: `Components, 1 to ${MOST_COMPONENTS}.` }) k: number,
    @Arg('points', () => Int, { defaultValue: 500, description: 'At most this many a layer.' })
    points: number,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<LayerComponents[]> {
    checkRange('k', k, 1, MOST_COMPONENTS);
    const { pageSize } = context.limits;
    if (points > pageSize) throw new LimitExceededError('pageSize', pageSize, points, 'ask for fewer points');
    checkRange('points', points, 0, pageSize);
    return byLayer(context, info, async ({ layer, rows, set, nUndefined }) => {
      const found = await principalComponents(set, k);
      const shown = evenlySpaced(rows.length, points);
      const scores = await componentScores(set, found, shown);
      return {
        layer,
        dim: set.dim,
        n: set.count,
        nUndefined,
        totalVariance: found.totalVariance,
        residual: found.residual,
        components: found.components.map(({ variance, ratio, direction }) => ({
          explainedVariance: variance,
          explainedVarianceRatio: ratio,
          direction,
        })),
        points: shown.map((row, i) => ({ ...rows[row]!, scores: scores[i]! })),
      };
    });
  }
}

@Resolver(() => LayerMeanDifference)
export class LayerMeanDifferenceResolver {
  @FieldResolver(() => VectorScalar, { nullable: true, description: 'The difference itself.' })
  vector(
    @Root() { difference }: LayerMeanDifference,
    @Arg('encoding', () => VectorEncoding, { defaultValue: VectorEncoding.LIST }) encoding: VectorEncoding,
  ): unknown {
    return difference && encoded(difference, encoding);
  }
}

@Resolver(() => ActivationComponent)
export class ActivationComponentResolver {
  @FieldResolver(() => VectorScalar, {
    description: 'The unit vector of the component; its entry of greatest magnitude is positive.',
  })
  vector(
    @Root() { direction }: ActivationComponent,
    @Arg('encoding', () => VectorEncoding, { defaultValue: VectorEncoding.LIST }) encoding: VectorEncoding,
  ): unknown {
    return encoded(direction, encoding);
  }
}

function encoded(vector: Float64Array, encoding: VectorEncoding): readonly number[] | string {
  return encoding === VectorEncoding.BASE64 ? base64Floats(Float32Array.from(vector)) : [...vector];
}

function checkRange(argument: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new BadUserInputError(argument, `is ${value}`, { expected: `${least} to ${most}` });
}

/** What `work` makes of the activations that the arguments choose, by layer. */
async function byLayer<T>(
  context: RequestContext,
  info: GraphQLResolveInfo,
  work: (layer: LayerVectors) => Promise<T>,
): Promise<T[]> {
  const args = argumentsOf(info);
  const needsClass = GEOMETRY_FIELDS.get(info.fieldName)?.needsClass ?? false;
  const plan = compileVectors(compileOptions(context.limits, info), args, { needsClass });
  const snapshot = await context.snapshots.at(asOfArgument(args));
  return inTime(context, ({ signal }) =>
    AT_ONCE.run(() => forEachLayer(context, snapshot, plan, work), signal, 'the computation'),
  );
}

function labelsOf(rows: LayerVectors['rows']): Uint8Array {
  return Uint8Array.from(rows, ({ positive }) => positive ?? 0);
}

/** Number of the group of every row, in order of first appearance. */
function groupsOf(rows: LayerVectors['rows']): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(rows, ({ group }) => {
    const number = numbers.get(group) ?? numbers.size;
    numbers.set(group, number);
    return number;
  });
}

function separationAnswer({ positives, negatives, groups, auroc, low, high, ...measures }: ClassSeparation) {
  return {
    ...measures,
    nPositive: positives,
    nNegative: negatives,
    nGroups: groups,
    auroc: auroc === null ? null : { value: auroc, low, high },
  };
}

/** At most `most` of the numbers below `count`, the first among them. */
function evenlySpaced(count: number, most: number): number[] {
  const shown = Math.min(count, most);
  return Array.from({ length: shown }, (_, i) => Math.floor((i * count) / shown));
}

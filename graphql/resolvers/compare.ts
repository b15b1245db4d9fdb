import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Float, ID, Info, Int, Query, Resolver } from 'type-graphql';
import { compareRuns } from '../../compute/compare/compare.ts';
import type { Flip } from '../../compute/compare/flips.ts';
import {
  type ComparedPrediction,
  comparedSources,
  findComparedRuns,
  readPairs,
} from '../../compute/compare/pairs.ts';
import type { RequestContext } from '../context.ts';
import { BadCursorError, LimitExceededError } from '../errors.ts';
import { pageSize } from '../plan/arguments.ts';
import { DEFAULT_PAGE } from '../plan/compile.ts';
import { decodeCursor, encodeCursor, queryHash } from '../plan/cursor.ts';
import { argumentsOf, asOfArgument, snapshotFor, withSources } from '../plan/execute.ts';
import { inTime } from '../plan/in-time.ts';
import { selectsAny } from '../plan/selection.ts';
import { float, type Path } from '../plan/shape.ts';
import { AsOfInput } from '../types/inputs.ts';
import { RunComparison, type RunFlip } from '../types/run-comparison.ts';
import { exactInteger } from '../values.ts';

/** What tells of AUROCs; pages of flips need not wait for their bootstrap. */
const OF_RANKING: ReadonlySet<string> = new Set(['ranking', 'notes']);

@Resolver()
export class CompareResolver {
  @Query(() => RunComparison, {
    description:
      'Two runs of one family and benchmark, example by example: what flipped, and paired statistics on the examples that both predict.',
  })
  async compareRuns(
    @Arg('a', () => ID, { description: 'The run to compare with.' }) a: string,
    @Arg('b', () => ID, { description: 'The run whose change from a is asked for.' }) b: string,
    @Arg('confidence', () => Float, { defaultValue: 0.95, description: 'Of every interval.' })
    confidence: number,
    @Arg('resamples', () => Int, { defaultValue: 2000, description: 'Of the bootstrap, at most 20,000.' })
    resamples: number,
    @Arg('seed', () => Int, { defaultValue: 0, description: 'Of the bootstrap.' }) seed: number,
    @Arg('first', () => Int, { nullable: true, description: `Most flips; ${DEFAULT_PAGE} by default.` })
    _first: number | undefined,
    @Arg('after', () => String, { nullable: true, description: 'endCursor of the page of flips before.' })
    after: string | undefined,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RunComparison> {
    const { limits, reader } = context;
    const args = argumentsOf(info);
    const first = pageSize(args, DEFAULT_PAGE, limits.pageSize);
    const hash = queryHash(info.fieldName, args);
    const cursor = after ? decodeCursor(after) : undefined;
    if (cursor && cursor.hash !== hash) throw new BadCursorError('`after` belongs to another comparison');
    const snapshot = await snapshotFor(context, asOfArgument(args), cursor);
    const tooMany = () =>
      new LimitExceededError('rows', limits.rows, limits.rows + 1, 'compare with the command `compare`');
    const paired = await withSources(context, snapshot, comparedSources(a, b), async () => {
      const runs = await inTime(context, (time) => findComparedRuns(reader, snapshot, [a, b], time));
      return inTime(context, (time) =>
        readPairs(reader, snapshot, runs, { ...time, maxExamples: limits.rows, tooMany }),
      );
    });
    const { flips, ...compared } = await inTime(context, ({ signal }) =>
      compareRuns(paired, { confidence, resamples, seed, signal, ranking: selectsAny(info, OF_RANKING) }),
    );
    const start = cursor?.ties ?? 0;
    const end = Math.min(start + first, flips.length);
    return {
      ...compared,
      a: { ...compared.a, seed: seedOf(compared.a) },
      b: { ...compared.b, seed: seedOf(compared.b) },
      flips: flips.slice(start, end).map((flip, i) => flipAnswer(flip, [info.path.key, 'flips', i], context)),
      endCursor:
        end > 0 && end < flips.length
          ? encodeCursor({ snapshot: snapshot.token, hash, keys: [], ties: end })
          : null,
    };
  }
}

function seedOf({ seed }: { readonly seed: bigint | null }): number | string | null {
  return seed === null ? null : exactInteger(seed);
}

function flipAnswer(flip: Flip, path: Path, { issues }: RequestContext): RunFlip {
  const side = (name: 'a' | 'b'): ComparedPrediction => {
    const { scoreHalu, ...rest } = flip[name];
    const score = scoreHalu === null ? null : float(scoreHalu, [...path, name, 'scoreHalu'], issues);
    return { ...rest, scoreHalu: score };
  };
  return { ...flip, a: side('a'), b: side('b') };
}

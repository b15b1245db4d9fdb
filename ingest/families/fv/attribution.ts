import { headAttributionSchema } from '../../contracts/fv/additions.ts';
import { asNumber } from '../../metric-values.ts';
import { Moments } from './moments.ts';
import type { HeadPlace } from './ranking.ts';
import { type FvRun, sameNumber } from './run.ts';
import { headOfQuery } from './trial-metrics.ts';
import { recordsOf } from './valid-records.ts';

/** Columns of a head, or of one of its trials. */
export interface AttributionCells {
  readonly dla: number | null;
  readonly dla_clean: number | null;
}

/** What the heads of a run write towards the targets themselves; see the columns `dla`. */
export interface Attributions {
  ofHead(place: HeadPlace, qId: string | null): AttributionCells;
  ofTrial(place: HeadPlace, qId: string | null, trial: number): AttributionCells;
}

interface HeadAttribution {
  readonly means: AttributionCells;
  /** By trial. */
  readonly corrupted: Float64Array;
  readonly clean: Float64Array;
}

/** Values held at a time: a hundred trials of the largest models are a thirtieth of it. */
const MAX_VALUES = 2 ** 24;

/** Reads `runlake/head_attribution.jsonl`; without it every cell is null. */
export async function readAttributions(run: FvRun): Promise<Attributions> {
  const heads = new Map<string, HeadAttribution>();
  let values = 0;
  const of = { role: 'attribution', schema: headAttributionSchema } as const;
  for await (const { file, records } of recordsOf(run, of)) {
    for (const { data, line } of records) {
      const key = headOfQuery(data, data.q_id ?? run.qId);
      if (heads.has(key)) {
        const message = `head ${data.head} of layer ${data.layer} occurs again; the first line counts`;
        run.log.record({ code: 'DUPLICATE_HEAD', file, line, message });
        continue;
      }
      const { corrupted, clean } = data.trials ?? {};
      const one = {
        means: { dla: asNumber(data.dla) ?? null, dla_clean: asNumber(data.dla_clean) ?? null },
        corrupted: Float64Array.from(corrupted ?? [], Number),
        clean: Float64Array.from(clean ?? [], Number),
      };
      values += one.corrupted.length + one.clean.length;
      if (values > MAX_VALUES) {
        run.log.run({ code: 'TOO_MANY_TRIALS', file, line, message: `more than ${MAX_VALUES} values` });
        break;
      }
      heads.set(key, one);
      checkMeans(run, file, line, one);
    }
  }
  return {
    ofHead: (place, qId) => heads.get(headOfQuery(place, qId))?.means ?? { dla: null, dla_clean: null },
    ofTrial(place, qId, trial) {
      const found = heads.get(headOfQuery(place, qId));
      return { dla: found?.corrupted[trial] ?? null, dla_clean: found?.clean[trial] ?? null };
    },
  };
}

/** Says where a mean is not that of the trials beside it. */
function checkMeans(
  run: FvRun,
  file: string,
  line: number,
  { means, corrupted, clean }: HeadAttribution,
): void {
  for (const [name, trials] of [
    ['dla', corrupted],
    ['dla_clean', clean],
  ] as const) {
    const reported = means[name];
    const moments = new Moments();
    for (const value of trials) moments.add(value);
    if (reported === null || moments.n === 0 || sameNumber(reported, moments.mean)) continue;
    const message = `${name} is ${reported}; its trials give ${moments.mean}`;
    run.log.warn({ code: 'ATTRIBUTION_MISMATCH', file, line, pointer: `/${name}`, message });
  }
}

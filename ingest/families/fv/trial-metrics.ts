import { FV_TRIALS } from '../../../lake/tables/fv.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { trialMetricSchema } from '../../contracts/fv/trial-metric.ts';
import { isJsonObject } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { readJsonRecords } from '../../run-files/records.ts';
import type { Attributions } from './attribution.ts';
import { rowMaker } from './cells.ts';
import type { HeadScores, HeadTable } from './heads.ts';
import { Moments } from './moments.ts';
import { type HeadPlace, headKey } from './ranking.ts';
import { type FvRun, sameNumber } from './run.ts';
import { trialExampleId } from './trials.ts';
import { validated } from './validated.ts';

/** Numbers of a trial that head scores are made of: [member of the record, suffix of the score]. */
const MEASURES = [
  'delta_p',
  'p_base',
  'p_patch',
  'delta_logit',
  'logit_base',
  'logit_patch',
  'delta_logprob',
  'logprob_base',
  'logprob_patch',
] as const;
const SPREAD: ReadonlySet<string> = new Set(['delta_p', 'p_base', 'p_patch', 'delta_logit', 'delta_logprob']);
const ABSOLUTE: ReadonlySet<string> = new Set(['delta_p', 'delta_logit', 'delta_logprob']);

/** What the trials of one head give. */
export interface HeadTrials extends HeadPlace {
  readonly qId: string | null;
  readonly n: number;
  /** By the names of `HEAD_SCORES`; a score is absent when a trial lacks its number. */
  readonly scores: ReadonlyMap<string, number>;
}

export interface TrialMetrics {
  readonly file: string;
  readonly rows: number;
  readonly heads: ReadonlyMap<string, HeadTrials>;
}

interface Accumulator extends HeadPlace {
  readonly qId: string | null;
  readonly trials: Set<number>;
  readonly moments: readonly Moments[];
}

const toRow = rowMaker(FV_TRIALS);

/** `layer,head q_id`: a head of one relation query. */
export function headOfQuery(place: HeadPlace, qId: string | null): string {
  return `${headKey(place)} ${qId ?? ''}`;
}

/**
 * Reads `trial_metrics.jsonl` (or the resume file of an unfinished sweep) into `fv_trials`, and takes the means of each head.
 * @param known ids of the sampled trials; undefined when they are not known
 */
export async function readTrialMetrics(
  run: FvRun,
  file: string,
  partial: boolean,
  known: ReadonlySet<string> | undefined,
  attributions: Attributions,
): Promise<TrialMetrics> {
  const heads = new Map<string, Accumulator>();
  const strangers = new Set<string>();
  const object = run.files.get(file);
  let count = 0;
  for await (const records of object === undefined
    ? []
    : readJsonRecords(run.context, object, file, run.log)) {
    const rows: Row[] = [];
    for (const { line, value, damaged } of records) {
      const data = validated(trialMetricSchema, value, { file, line }, (issue) => run.log.record(issue));
      if (data === undefined || damaged || !isJsonObject(value)) continue;
      const qId = data.q_id ?? run.qId;
      const key = headOfQuery(data, qId);
      const head = heads.get(key) ?? accumulator(data, qId);
      heads.set(key, head);
      const exampleId = trialExampleId(qId, data.trial_idx);
      if (head.trials.has(data.trial_idx)) {
        const message = `trial ${data.trial_idx} of head ${data.head} of layer ${data.layer} occurs again; the first one counts`;
        run.log.record({ code: 'DUPLICATE_TRIAL', file, line, message });
        continue;
      }
      if (known !== undefined && !known.has(exampleId) && !strangers.has(exampleId)) {
        strangers.add(exampleId);
        const message = `trial ${data.trial_idx}${qId === null ? '' : ` of ${qId}`} is not among the sampled trials`;
        run.log.record({ code: 'UNKNOWN_TRIAL', file, line, pointer: '/trial_idx', message });
      }
      head.trials.add(data.trial_idx);
      MEASURES.forEach((name, i) => {
        const measured = asNumber(value[name]);
        if (measured !== undefined) head.moments[i]!.add(measured);
      });
      rows.push({
        ...toRow(value),
        ...attributions.ofTrial(data, qId, data.trial_idx),
        q_id: qId,
        example_id: exampleId,
        partial,
        source_line: line,
      });
    }
    count += rows.length;
    if (rows.length > 0) await run.sink.rows(FV_TRIALS, rows);
  }
  return { file, rows: count, heads: new Map([...heads].map(([key, head]) => [key, headTrials(head)])) };
}

function accumulator({ layer, head }: HeadPlace, qId: string | null): Accumulator {
  return { layer, head, qId, trials: new Set(), moments: MEASURES.map(() => new Moments()) };
}

function headTrials({ layer, head, qId, trials, moments }: Accumulator): HeadTrials {
  const scores = new Map<string, number>();
  MEASURES.forEach((name, i) => {
    const { n, mean, meanAbs, std } = moments[i]!;
    if (n !== trials.size) return;
    scores.set(`mean_${name}`, mean);
    if (SPREAD.has(name)) scores.set(`std_${name}`, std);
    if (ABSOLUTE.has(name)) scores.set(`mean_abs_${name}`, meanAbs);
  });
  return { layer, head, qId, n: trials.size, scores };
}

/**
 * Compares the scores of heads with the means of their trials. Trials that are missing are one issue
 * (`TRIAL_ROWS_SHORT`): the sweep writes scores at once and trials later, so a kill can lose them for good.
 */
export function compareWithTrials(run: FvRun, table: HeadTable, trials: TrialMetrics): void {
  const short: HeadScores[] = [];
  const scored = new Set<string>();
  let expected = 0;
  // Averages of a single relation query do not name it.
  const queries = new Set([...trials.heads.values()].map(({ qId }) => qId));
  const [only = null] = queries.size === 1 ? queries : [];
  for (const head of table.heads) {
    const key = headOfQuery(head, head.qId ?? only);
    scored.add(key);
    const found = trials.heads.get(key);
    expected += head.nTrials ?? found?.n ?? 0;
    if (found === undefined || (head.nTrials !== null && found.n < head.nTrials)) short.push(head);
    else compareHead(run, table.file, head, found);
  }
  if (short.length > 0) {
    const names = short.slice(0, 5).map(({ layer, head }) => `${layer}.${head}`);
    const list = `${names.join(', ')}${short.length > names.length ? ', …' : ''}`;
    const message = `${trials.rows} trial rows; the scores say ${expected}: rows of ${short.length} heads are missing (layer.head ${list})`;
    const severity = run.unfinished || table.partial ? 'info' : 'warning';
    run.log.add({ severity, code: 'TRIAL_ROWS_SHORT', file: trials.file, message });
  }
  if (!table.partial) {
    const more = [...trials.heads].filter(([key]) => !scored.has(key)).length;
    if (more > 0) {
      const message = `trials of ${more} heads that have no row here`;
      run.log.warn({ code: 'HEADS_MISSING', file: table.file, message });
    }
  }
}

function compareHead(run: FvRun, file: string, head: HeadScores, found: HeadTrials): void {
  const place = `head ${head.head} of layer ${head.layer}`;
  if (head.nTrials !== null && found.n !== head.nTrials) {
    const message = `n_trials of ${place} is ${head.nTrials}; there are ${found.n} trials`;
    run.log.warn({ code: 'AIE_MISMATCH', file, line: head.line, message });
    return;
  }
  for (const [name, value] of found.scores) {
    const reported = head.scores.get(name);
    if (reported === undefined || sameNumber(reported, value)) continue;
    const message = `${name} of ${place} is ${reported}; its trials give ${value}`;
    run.log.warn({ code: 'AIE_MISMATCH', file, line: head.line, message });
    return;
  }
}

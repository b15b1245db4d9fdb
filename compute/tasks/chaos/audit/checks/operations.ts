import { fixed } from '../../fixed.ts';
import { counted } from '../../markdown.ts';
import { isMock } from '../model.ts';
import { type Check, findings, NOT_EXAMINED, note, percent, problem } from './check.ts';

/** As many empty answers in a row are taken for an outage of the provider. */
export const OUTAGE_STREAK = 10;

/** No model answers faster than this on average, in seconds. */
const FASTEST_MEAN = 0.001;

/** An answer this many times slower than the median one, and slower than this many seconds, waited for something. */
const SLOW_FACTOR = 50;
const SLOW_SECONDS = 1;

/** Did the provider fail? Its errors are stored as empty answers. */
export const outage: Check = {
  id: 'outage',
  risk: 'The provider failed: its errors are stored as empty answers (outage)',
  examine({ evidence }) {
    if (evidence === undefined) return NOT_EXAMINED;
    const { emptyAnswers: empty, longestEmptyStreak: streak, rows } = evidence;
    if (empty === 0) return [];
    const detail = `${empty} of ${counted(rows, 'answer')} empty (${percent(empty, rows)}), at most ${streak} in a row`;
    return [empty === rows || streak >= OUTAGE_STREAK ? problem(empty, detail) : note(empty, detail)];
  },
};

/** Did the run end? */
export const interrupted: Check = {
  id: 'interrupted',
  risk: 'The run was interrupted',
  examine: ({ status, evidence }) =>
    status === 'completed'
      ? []
      : [problem(evidence?.rows ?? 0, `status ${status}, ${counted(evidence?.rows ?? 0, 'answer')} so far`)],
};

/** Are the latencies those of a model? */
export const throughput: Check = {
  id: 'throughput',
  risk: 'Latencies are implausible (wall time, throughput)',
  examine(run) {
    const { evidence } = run;
    if (evidence === undefined) return NOT_EXAMINED;
    const { rows, latency } = evidence;
    const { timed, sum, median, max } = latency;
    const mean = timed === 0 ? 0 : sum / timed;
    const fast = `${fixed(1000 * mean, 3)} ms an answer on average: no model was asked`;
    const slow = `the slowest answer took ${fixed(max, 1)} s, the median ${fixed(median, 3)} s`;
    return findings(
      note(rows - timed, `${counted(rows - timed, 'row')} without a latency above 0`),
      timed > 0 && mean < FASTEST_MEAN ? (isMock(run) ? note(1, fast) : problem(1, fast)) : note(0, ''),
      note(max > SLOW_SECONDS && max > SLOW_FACTOR * median ? 1 : 0, slow),
    );
  },
};

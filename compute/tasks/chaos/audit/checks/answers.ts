import {
  BIAS_SCORE_LIMIT,
  CLASS_RATE_LIMIT,
  wilsonInterval,
} from '../../../../../ingest/families/chaosbench/metrics/index.ts';
import { fixed } from '../../fixed.ts';
import { counted } from '../../markdown.ts';
import { isMock } from '../model.ts';
import { type Check, findings, NOT_EXAMINED, note, percent, problem } from './check.ts';

/** A run that leaves more of its items without a valid answer than this is incomplete. */
export const MIN_COVERAGE = 0.97;

/** Numbers that a finding quotes. */
const MAX_SHOWN = 3;

/** Does the stored text mean what was stored? */
export const parsingAmbiguity: Check = {
  id: 'parsing-ambiguity',
  risk: 'Answers were understood wrongly (parsing ambiguity)',
  examine({ evidence, manifest }) {
    if (evidence === undefined) return NOT_EXAMINED;
    const { compared, disagreeing, examples, bothLabels } = evidence.parsing;
    const truncated = Number(manifest?.budget?.truncate_pred_text ?? 0);
    const detail = `${disagreeing} of ${counted(compared, 'stored text')} with another outcome when parsed again (${examples.join(', ')})`;
    const disagreement =
      truncated > 0
        ? note(disagreeing, `${detail}; texts were cut to ${truncated} characters after parsing`)
        : problem(disagreeing, detail);
    return findings(
      disagreement,
      note(bothLabels, `${counted(bothLabels, 'valid answer')} with both labels in the text`),
    );
  },
};

/** Were answers invalid, and why? */
export const invalidAnswers: Check = {
  id: 'invalid-answers',
  risk: 'Invalid answers distort the scores (low coverage)',
  examine({ scores, evidence }) {
    if (scores === undefined) return NOT_EXAMINED;
    const { invalid, total, coverage } = scores;
    const kinds = Object.entries(evidence?.parsing.invalid ?? {})
      .filter(([, count]) => count > 0)
      .map(([kind, count]) => `${count} ${kind}`);
    const detail = `${invalid} of ${counted(total, 'answer')} (${percent(invalid, total)})${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}`;
    return findings(coverage < MIN_COVERAGE ? problem(invalid, detail) : note(invalid, detail));
  },
};

/** Does the model default to a label? */
export const labelBias: Check = {
  id: 'label-bias',
  risk: 'The model defaults to one label (label bias)',
  examine(run) {
    const { confusion } = run;
    if (confusion === undefined || confusion.n_valid === 0) return NOT_EXAMINED;
    if (!confusion.label_biased) return [];
    const { tpr, tnr, bias_score: score, dominant_label: dominant } = confusion;
    const reasons = [
      ...(score > BIAS_SCORE_LIMIT ? [`bias score ${fixed(score, 4)} > ${BIAS_SCORE_LIMIT}`] : []),
      ...(Math.min(tpr, tnr) < CLASS_RATE_LIMIT
        ? [`${tpr < tnr ? 'TPR' : 'TNR'} ${fixed(Math.min(tpr, tnr), 4)} < ${CLASS_RATE_LIMIT}`]
        : []),
    ];
    const detail = `predicts ${dominant} more often: ${reasons.join(', ')}`;
    // Few answers of an interrupted run are easily lopsided.
    return [isMock(run) || run.status !== 'completed' ? note(1, detail) : problem(1, detail)];
  },
};

/** Is the accuracy above that of always giving the more frequent label? */
export const chanceLevel: Check = {
  id: 'chance-level',
  risk: 'The accuracy is not above that of always giving the more frequent label',
  examine({ scores, confusion }) {
    if (scores === undefined || confusion === undefined || confusion.n_valid === 0) return NOT_EXAMINED;
    const { gt_true: yes, gt_false: no, n_valid: n } = confusion;
    const baseline = Math.max(yes, no) / n;
    const [low, high] = wilsonInterval(scores.correct, scores.valid);
    if (low > baseline) return [];
    const interval = `[${fixed(low, 4)}, ${fixed(high, 4)}]`;
    const label = yes >= no ? 'TRUE' : 'FALSE';
    const accuracy = fixed(scores.accuracy_valid, 4);
    return [
      note(
        1,
        `accuracy ${accuracy}, 95 % interval ${interval}; always ${label} would reach ${fixed(baseline, 4)}`,
      ),
    ];
  },
};

/** Are there families whose balanced accuracy says nothing? */
export const singleClassFamilies: Check = {
  id: 'single-class-families',
  risk: 'A family has valid answers to one class only, so its balanced accuracy cannot exceed 0.5',
  examine({ families, evidence }) {
    if (evidence === undefined) return NOT_EXAMINED;
    const single = families.filter(
      ({ confusion }) =>
        confusion !== undefined &&
        confusion.n_valid > 0 &&
        Math.min(confusion.gt_true, confusion.gt_false) === 0,
    );
    const names = single.map(({ family, valid }) => `${family} (${valid})`).join(', ');
    return findings(note(single.length, names));
  },
};

/** Are the stored metrics those of the answers? */
export const metricErrors: Check = {
  id: 'metric-errors',
  risk: 'Stored metrics are not what the answers give (metric errors)',
  examine({ evidence }) {
    if (evidence === undefined) return NOT_EXAMINED;
    const { differences } = evidence;
    const shown = differences
      .slice(0, MAX_SHOWN)
      .map(
        ({ scope, metric, reported, recomputed }) =>
          `${scope} ${metric} ${fixed(reported, 4)}, not ${fixed(recomputed, 4)}`,
      );
    const more = differences.length - shown.length;
    const detail = `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
    return findings(problem(differences.length, detail));
  },
};

/** Did two models give the same answers? */
export const identicalAnswers: Check = {
  id: 'identical-answers',
  risk: 'A run has the answers of another model (wrong model name, copied run)',
  examine({ evidence }) {
    if (evidence?.twins === undefined) return NOT_EXAMINED;
    const { twins } = evidence;
    return findings(note(twins.length, `the same text for every item as ${twins.join(', ')}`));
  },
};

/** How many answers come from a second attempt? */
export const retriedAnswers: Check = {
  id: 'retried-answers',
  risk: 'Answers were rescued by a retry, whose first text is lost',
  examine({ evidence }) {
    if (evidence === undefined) return NOT_EXAMINED;
    const { rescued, retried } = evidence;
    return findings(note(rescued, `${rescued} of ${counted(retried, 'retried answer')} became valid`));
  },
};

import { HEAD_SCORES } from '../../../../ingest/contracts/fv/head-score.ts';
import { type HeadPlace, rankHeads } from '../../../../ingest/families/fv/ranking.ts';
import { pythonFloat } from '../../../../ingest/formats/python-float.ts';
import { floats, pythonJson, pythonRepr } from '../../python/json.ts';
import type { HeadScoreName, HeadScores } from '../scores/head-scores.ts';
import type { TrialSweep } from '../sweep/readings.ts';
import { corruptedPrompt } from '../trials/prompts.ts';
import type { TokenizedTrial } from './experiment.ts';

/** Columns up to `any_nonzero`, and behind it. */
const MEASURES = HEAD_SCORES.slice(0, HEAD_SCORES.indexOf('mean_act_norm'));
const NORMS = HEAD_SCORES.slice(MEASURES.length);

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, ...rows].map((cells) => `${cells.join(',')}\r\n`).join('');
}

function cells({ scores }: HeadScores, names: readonly HeadScoreName[]): string[] {
  return names.map((name) => pythonFloat(scores[name]));
}

/** `cie_scores.csv`: the heads in order of layer and head. */
export function cieScores(qId: string, heads: readonly HeadScores[]): string {
  const q = /[",\r\n]/.test(qId) ? `"${qId.replaceAll('"', '""')}"` : qId;
  return table(
    ['layer', 'head', 'n_trials', ...MEASURES, 'any_nonzero', ...NORMS, 'q_id'],
    heads.map((head) => [
      `${head.layer}`,
      `${head.head}`,
      `${head.trials}`,
      ...cells(head, MEASURES),
      head.anyNonzero ? 'True' : 'False',
      ...cells(head, NORMS),
      q,
    ]),
  );
}

/** `aie_scores.csv`: means over relation queries, here one; the highest score first. */
export function aieScores(heads: readonly HeadScores[], scoreKey: HeadScoreName): string {
  return table(
    ['layer', 'head', 'n_qid', ...MEASURES, 'any_nonzero', ...NORMS],
    rankHeads(heads, ({ scores }) => scores[scoreKey]).map((head) => [
      `${head.layer}`,
      `${head.head}`,
      '1',
      ...cells(head, MEASURES),
      pythonFloat(head.anyNonzero ? 1 : 0),
      ...cells(head, NORMS),
    ]),
  );
}

export interface TrialMetricsInput {
  readonly qId: string;
  readonly seed: number;
  readonly heads: readonly HeadPlace[];
  readonly trials: readonly TokenizedTrial[];
  readonly sweeps: readonly TrialSweep[];
  /** Position of the last token in a prompt of one-token words. */
  readonly slot: number;
}

/** `trial_metrics.jsonl`: a line a head and trial, head by head. */
export function* trialMetrics({
  qId,
  seed,
  heads,
  trials,
  sweeps,
  slot,
}: TrialMetricsInput): Generator<string> {
  const facts = trials.map(({ trial, prompt, targetToken }) => {
    const text = corruptedPrompt(trial);
    return {
      target: { target_id: prompt.target, target_token: targetToken },
      demos: trial.demos.length,
      tail: {
        prompt_tail_repr: pythonRepr(Array.from(text).slice(-30).join('')),
        prompt_ends_with_space: text.endsWith(' '),
        slot_idx: slot,
        seq_token_idx: prompt.tokens.length - 1,
        q_id: qId,
      },
    };
  });
  for (const [at, { layer, head }] of heads.entries()) {
    for (const [trialIndex, { base, patched }] of sweeps.entries()) {
      const patch = patched[at]!;
      const { target, demos, tail } = facts[trialIndex]!;
      const deltaP = patch.p - base.p;
      yield `${pythonJson({
        trial_idx: trialIndex,
        layer,
        head,
        ...target,
        seed_global: seed,
        shuffle_labels: false,
        shuffle_derangement: false,
        n_icl_examples: demos,
        demo_perm: null,
        demo_fixed_points: null,
        demo_outputs_before: null,
        demo_outputs_after: null,
        ...floats({
          p_base: base.p,
          p_patch: patch.p,
          delta_p: deltaP,
          p_base_target: base.p,
          p_patch_target: patch.p,
          delta_p_target: deltaP,
          logit_base: base.logit,
          logit_patch: patch.logit,
          delta_logit: patch.logit - base.logit,
          logprob_base: base.logprob,
          logprob_patch: patch.logprob,
          delta_logprob: patch.logprob - base.logprob,
        }),
        ...tail,
      })}\n`;
    }
  }
}

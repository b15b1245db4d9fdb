import { exampleId, extra, ingestId, runId, table, VECTOR_ROW_GROUP } from './columns.ts';
import type { Column, TableSpec } from './schema.ts';

const qId: Column = {
  name: 'q_id',
  type: 'string',
  doc: 'Relation query the row is about; null for an average over several or where the artifact names none.',
};
const layer: Column = {
  name: 'layer',
  type: 'integer',
  nullable: false,
  doc: 'Decoder block, from 0.',
};
const head: Column = { name: 'head', type: 'integer', nullable: false, doc: 'Query head, from 0.' };
const partial: Column = {
  name: 'partial',
  type: 'boolean',
  nullable: false,
  doc: 'True for a row out of the resume files of a sweep that had not ended.',
};
const sourceLine: Column = {
  name: 'source_line',
  type: 'long',
  doc: '1-based line of the artifact the row came from.',
};
const targetId: Column = {
  name: 'target_id',
  type: 'long',
  doc: 'Vocabulary id of the first token of the answer.',
};
const targetToken: Column = {
  name: 'target_token',
  type: 'string',
  doc: 'That token as the vocabulary has it.',
};

/** Which vector a row is about, and on which examples. Rows from before these columns are of the function vector. */
const evaluated: readonly Column[] = [
  {
    name: 'vector_kind',
    type: 'string',
    doc: '`function_vector` (also where it is null); controls: `random_vector` (same norm), `random_heads` (as many, not chosen), `other_query` (the same heads over prompts of another relation query); `distributed`: the head means added at the out-projections of their own layers, where `layer` is the last of them.',
  },
  {
    name: 'query_set',
    type: 'string',
    doc: '`extraction` (also where it is null): the queries of the trials that the vector was made of, as the reference has it. `held_out`: rows that no trial used.',
  },
  { name: 'draw', type: 'integer', doc: 'Which draw of a random control, from 0.' },
  {
    name: 'source_q_id',
    type: 'string',
    doc: 'Relation query whose prompts gave the head means of the vector; null for a random one, and where the artifact does not tell.',
  },
];

function doubles(docs: Readonly<Record<string, string>>): Column[] {
  return Object.entries(docs).map(([name, doc]) => ({ name, type: 'double', doc }));
}

export const FV_HEADS = table({
  name: 'fv_heads',
  doc: "One row an attention head: the causal indirect effect (CIE) of putting the head's clean mean into corrupted prompts.",
  sortBy: ['run_id', 'q_id', 'layer', 'head'],
  columns: [
    runId,
    ingestId,
    qId,
    layer,
    head,
    {
      name: 'rank',
      type: 'integer',
      doc: "Place among the run's heads, 1 first: score key of the run descending, then layer, then head.",
    },
    {
      name: 'selected',
      type: 'boolean',
      doc: 'Whether top_heads.json names the head, so that the function vector has it; null without that file.',
    },
    { name: 'n_trials', type: 'long', doc: 'Trials the means are over.' },
    { name: 'n_qid', type: 'long', doc: 'Relation queries the row is the plain mean of.' },
    ...doubles({
      mean_delta_p: 'Mean of p_patch - p_base: the score by which heads are usually ranked.',
      std_delta_p: 'Its population standard deviation.',
      mean_abs_delta_p: 'Mean of its absolute value.',
      mean_p_base: 'Mean probability of the target without the patch.',
      std_p_base: 'Its population standard deviation.',
      mean_p_patch: 'Mean probability of the target with the patch.',
      std_p_patch: 'Its population standard deviation.',
      mean_p_base_target: 'Repeats mean_p_base.',
      mean_p_patch_target: 'Repeats mean_p_patch.',
      mean_delta_p_target: 'Repeats mean_delta_p.',
      mean_delta_logit: 'Mean change of the logit of the target.',
      std_delta_logit: 'Its population standard deviation.',
      mean_abs_delta_logit: 'Mean of its absolute value.',
      mean_logit_base: 'Mean logit of the target without the patch.',
      mean_logit_patch: 'Mean logit of the target with the patch.',
      mean_delta_logprob: 'Mean change of the log-probability of the target.',
      std_delta_logprob: 'Its population standard deviation.',
      mean_abs_delta_logprob: 'Mean of its absolute value.',
      mean_logprob_base: 'Mean log-probability of the target without the patch.',
      mean_logprob_patch: 'Mean log-probability of the target with the patch.',
    }),
    { name: 'any_nonzero', type: 'boolean', doc: 'Whether the patch changed any trial by more than 1e-12.' },
    ...doubles({
      mean_act_norm: "Norm of the head's mean activation.",
      clean_mean_norm: 'Repeats mean_act_norm.',
    }),
    partial,
    sourceLine,
    extra,
    ...doubles({
      dla: 'Direct logit attribution: mean over the corrupted prompts of the part of the logit of the target that the head writes itself (scale of the final norm held). An addition of Runlake; null where it was not asked for.',
      dla_clean: 'The same over the clean prompts.',
    }),
  ],
});

export const FV_TRIALS = table({
  name: 'fv_trials',
  doc: 'One row a trial and patched head: the target with and without the patch.',
  sortBy: ['run_id', 'q_id', 'layer', 'head', 'trial_idx'],
  columns: [
    runId,
    ingestId,
    qId,
    { name: 'trial_idx', type: 'integer', nullable: false, doc: 'Position of the trial in the sample.' },
    layer,
    head,
    { ...exampleId, doc: 'The trial in `generations`, which has its prompts.' },
    targetId,
    targetToken,
    ...doubles({
      p_base: 'Probability of the target without the patch.',
      p_patch: 'Probability of the target with the patch.',
      delta_p: 'p_patch - p_base.',
      p_base_target: 'Repeats p_base.',
      p_patch_target: 'Repeats p_patch.',
      delta_p_target: 'Repeats delta_p.',
      logit_base: 'Logit of the target without the patch.',
      logit_patch: 'Logit of the target with the patch.',
      delta_logit: 'logit_patch - logit_base.',
      logprob_base: 'Log-probability of the target without the patch.',
      logprob_patch: 'Log-probability of the target with the patch.',
      delta_logprob: 'logprob_patch - logprob_base.',
    }),
    { name: 'slot_idx', type: 'integer', doc: 'Slot of the prompt template that was patched.' },
    { name: 'seq_token_idx', type: 'integer', doc: 'Position of the patched token in the prompt, from 0.' },
    partial,
    sourceLine,
    extra,
    ...doubles({
      dla: 'Direct logit attribution of the head in the corrupted prompt; see fv_heads.',
      dla_clean: 'The same in the clean prompt.',
    }),
  ],
});

export const FV_VECTORS = table({
  name: 'fv_vectors',
  doc: 'One row a vector: function vectors and mean head activations.',
  sortBy: ['run_id', 'kind', 'q_id', 'layer', 'head'],
  rowGroupSize: VECTOR_ROW_GROUP,
  byteStreamSplit: ['vector'],
  columns: [
    runId,
    ingestId,
    qId,
    {
      name: 'kind',
      type: 'string',
      nullable: false,
      doc: '`fv_global_resid`: the function vector, in the residual stream. `fv_by_layer`: means of the selected heads of one layer, side by side by head (before the out-projection). `clean_mean`: mean of one head over clean prompts.',
    },
    { ...layer, nullable: true, doc: 'Decoder block, from 0; null for a vector of the whole model.' },
    { ...head, nullable: true, doc: 'Query head, from 0; null for a vector that is not of one head.' },
    { name: 'dtype', type: 'string', nullable: false, doc: 'dtype in the artifact.' },
    { name: 'dim', type: 'integer', nullable: false, doc: 'Length of the vector.' },
    { name: 'norm', type: 'double', doc: 'Euclidean norm of the vector.' },
    {
      name: 'vector',
      type: 'float[]',
      nullable: false,
      lengthColumn: 'dim',
      doc: 'The values; f16, bf16 and f32 are kept exactly.',
    },
    { name: 'file', type: 'string', nullable: false, doc: 'Artifact, relative to the run.' },
    extra,
  ],
});

const INJECTION_SCORES = {
  acc_base: 'Share of examples whose most likely next token is the target, without the function vector.',
  acc_with: 'The same with the function vector added.',
  delta_acc: 'acc_with - acc_base.',
  mean_logit_base: 'Mean logit of the target without the function vector.',
  mean_logit_with: 'The same with it.',
  mean_delta_logit: 'Mean change of the logit.',
  std_delta_logit: 'Population standard deviation of the change.',
  mean_logprob_base: 'Mean log-probability of the target without the function vector.',
  mean_logprob_with: 'The same with it.',
  mean_delta_logprob: 'Mean change of the log-probability.',
  std_delta_logprob: 'Population standard deviation of the change.',
  mean_p_base: 'Mean probability of the target without the function vector.',
  mean_p_with: 'The same with it.',
  mean_delta_p: 'Mean change of the probability.',
  std_delta_p: 'Population standard deviation of the change.',
} as const;

export const FV_INJECTIONS = table({
  name: 'fv_injections',
  doc: 'One row a layer at whose output the function vector, or a control, was added to zero-shot prompts.',
  sortBy: ['run_id', 'q_id', 'layer'],
  columns: [
    runId,
    ingestId,
    qId,
    layer,
    { name: 'n_eval', type: 'long', doc: 'Examples the means are over.' },
    { name: 'requested_n_eval', type: 'integer', doc: 'Examples that were asked for.' },
    { name: 'alpha', type: 'double', doc: 'Factor of the function vector.' },
    ...doubles(INJECTION_SCORES),
    { name: 'fv_norm', type: 'double', doc: 'Norm of the vector that was added, as recorded.' },
    extra,
    ...evaluated,
  ],
});

export const FV_INJECTION_TRIALS = table({
  name: 'fv_injection_trials',
  doc: 'One row a zero-shot example and layer: the target with and without the function vector, or a control.',
  sortBy: ['run_id', 'q_id', 'layer', 'idx'],
  columns: [
    runId,
    ingestId,
    qId,
    layer,
    { name: 'idx', type: 'integer', nullable: false, doc: 'Position of the example in the evaluation.' },
    { ...exampleId, doc: 'The example in `generations` and `predictions`.' },
    { name: 'prompt', type: 'string', doc: 'Exact text sent to the model.' },
    { name: 'answer', type: 'string', doc: 'The answer, with its leading space.' },
    targetId,
    targetToken,
    { name: 'used_id', type: 'long', doc: 'Vocabulary id that was scored.' },
    { name: 'used_token', type: 'string', doc: 'That token as the vocabulary has it.' },
    { name: 'pred_id_base', type: 'long', doc: 'Most likely next token without the function vector.' },
    { name: 'pred_id_with', type: 'long', doc: 'Most likely next token with it.' },
    ...doubles({
      accuracy_base: '1 when pred_id_base is the target, else 0.',
      accuracy_with: '1 when pred_id_with is the target, else 0.',
      delta_acc: 'accuracy_with - accuracy_base.',
      logit_base: 'Logit of the target without the function vector.',
      logit_with: 'The same with it.',
      delta_logit: 'logit_with - logit_base.',
      logprob_base: 'Log-probability of the target without the function vector.',
      logprob_with: 'The same with it.',
      delta_logprob: 'logprob_with - logprob_base.',
      p_base: 'Probability of the target without the function vector.',
      p_with: 'The same with it.',
      delta_p: 'p_with - p_base.',
    }),
    sourceLine,
    extra,
    ...evaluated,
  ],
});

/** Tables of function-vector experiments, in the order in which an ingest commits them. */
export const FV_TABLES = [
  FV_VECTORS,
  FV_TRIALS,
  FV_HEADS,
  FV_INJECTION_TRIALS,
  FV_INJECTIONS,
] as const satisfies readonly TableSpec[];

import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import { modelSlug } from '../../../ingest/families/hallulens/identity.ts';
import { type ContractExample, writeContractRun } from '../contract-run/contract-run.ts';
import { ingestResults } from '../contract-run/ingest-results.ts';
import { jobStart } from '../contract-run/provenance.ts';
import { activationLogging, inferenceConfig } from '../contract-run/source-config.ts';
import { checkMember } from '../model-check/model-check.ts';
import { jobPrefix, type TaskDefinition } from '../task.ts';
import { modelIdOf } from '../text-model/model-spec.ts';
import { type EvaluationSpec, evaluationSpec } from './evaluation-spec.ts';
import { type Label, labelExamples } from './labels.ts';
import { type SourceExample, sourceRun } from './source-run.ts';

/** What says nothing about an example, where the run that is evaluated scores none. */
const NO_SCORE = 0.5;

/** Labels the responses of a run anew and puts the result into the lake as a run of its own. */
export const evaluationTask: TaskDefinition<EvaluationSpec> = {
  kind: 'evaluation',
  doc: 'Labels the stored responses of a run anew, by comparison or by a judge, without generating, as a run of its own.',
  spec: evaluationSpec,

  async run(spec, context, services) {
    const { job, signal, progress } = context;
    const { store } = services;
    const prefix = jobPrefix(job.id);
    const start = await jobStart(store, job.id, spec.date, signal);
    progress({ stage: 'read', done: 0 });
    const source = await sourceRun(spec.runId, spec.answerColumn, job.id, services, signal);
    const { labels, checks } = await labelExamples(source.examples, spec, context, services);
    progress({ stage: 'write', done: 0 });
    const activations = activationLogging(source, store.uri);
    const linked = activations['enabled'] === true;
    const identity = {
      date: start.date,
      // Names of other families may have slashes; those of directories have none.
      method: spec.method ?? modelSlug(`${source.method}_${spec.evaluator}`),
      modelId: source.modelId,
      benchmark: modelSlug(source.benchmark),
      split: source.split,
      seed: source.seed,
    };
    const isScored = source.examples.some(({ score }) => score !== undefined);
    async function* examples(): AsyncGenerator<ContractExample> {
      for (const [i, example] of source.examples.entries()) {
        const label = labels[i];
        if (label !== undefined) yield contractExample(example, label, linked, isScored);
      }
    }
    const { root, examples: count } = await writeContractRun(
      store,
      prefix,
      {
        identity,
        config: {
          ...inferenceConfig(source),
          activation_logging: activations,
          evaluation: evaluationConfig(spec),
          evaluated_run: source.runId,
        },
        manifest: {
          created_at: start.createdAt,
          git: { ...start.git },
          environment: { ...start.environment },
          notes: `made by Runlake, job ${job.id}: responses and scores of ${source.runId}, labelled anew`,
          job: job.id,
          evaluated_run: source.runId,
          snapshot: source.snapshot,
          ...checkMember(checks),
        },
        examples: examples(),
        metrics: () => ratesOf(source.examples, labels),
      },
      signal,
    );
    progress({ stage: 'ingest', done: 0 });
    const runIds = await ingestResults(services, `${prefix}/runs`, signal);
    return { runIds, examples: count, errors: source.examples.length - count, root };
  },
};

function contractExample(
  example: SourceExample,
  label: Label,
  linked: boolean,
  isScored: boolean,
): ContractExample {
  const { abstained } = label;
  const score = isScored ? example.score : NO_SCORE;
  return {
    exampleId: example.exampleId,
    ...(example.split !== undefined && { split: example.split }),
    prompt: example.prompt,
    response: example.response,
    ...(example.reference !== undefined && { reference: example.reference }),
    label: { halu: label.halu, label_source: label.source, ...(abstained !== undefined && { abstained }) },
    generationParams: example.generationParams,
    link: linked ? { activation_key: example.activationKey } : { hashkey: example.activationKey },
    extra: {
      ...example.extra,
      ...label.evidence,
      previous_label: { halu: example.halu, label_source: example.labelSource },
    },
    // Whether a declined answer was a hallucination is no question: the HalluLens readers leave these out as well.
    ...(score !== undefined && abstained !== true && { score }),
  };
}

/** Rates as the HalluLens tasks report them: hallucinations of what was answered, the others of everything. */
function ratesOf(
  examples: readonly SourceExample[],
  labels: readonly (Label | undefined)[],
): Record<string, number> {
  const known = labels.flatMap((label, i) =>
    label === undefined ? [] : [{ label, before: examples[i]!.halu }],
  );
  const answered = known.filter(({ label }) => label.abstained !== true);
  const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
  const compared = known.filter(({ before }) => before !== null);
  return {
    halu_rate: share(answered.filter(({ label }) => label.halu).length, answered.length),
    correct_rate: share(answered.filter(({ label }) => !label.halu).length, known.length),
    refusal_rate: share(known.length - answered.length, known.length),
    agreement: share(compared.filter(({ label, before }) => label.halu === before).length, compared.length),
  };
}

function evaluationConfig(spec: EvaluationSpec): JsonObject {
  const { evaluator, abstention, judge, verdict, correctWords, otherwise } = spec;
  return {
    evaluator,
    abstention,
    ...(judge !== undefined && {
      judge: modelIdOf(judge),
      judge_backend: judge.backend,
      verdict,
      correct_words: [...correctWords],
      otherwise,
    }),
    ...(evaluator === 'judge' && { judge_template: spec.judgeTemplate }),
    ...(abstention === 'judge' && { abstention_template: spec.abstentionTemplate }),
    ...(abstention === 'phrases' && { abstention_phrases: [...spec.abstentionPhrases] }),
  };
}

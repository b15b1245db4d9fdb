import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import type { TaskContext } from '../../jobs/worker.ts';
import { acceptFailures, answerAll } from '../parts/answer-all.ts';
import { parseTemplate } from '../source/template.ts';
import { jobPrefix, type TaskServices } from '../task.ts';
import type { ModelSpec } from '../text-model/model-spec.ts';
import { openTextModel } from '../text-model/open-model.ts';
import type { EvaluationSpec } from './evaluation-spec.ts';
import type { SourceExample } from './source-run.ts';

/** Questions to a judge, one for each example. */
export interface Judging {
  /** Names the stage, and where the replies are kept. */
  readonly name: 'judge' | 'abstention';
  readonly judge: ModelSpec;
  readonly template: string;
  /** Says what is wrong with a reply, where such a reply is to be asked for again. */
  readonly check: ((reply: string) => string | undefined) | undefined;
}

export interface Replies {
  /** The judge's reply to every example, by position; none for those that failed for good. */
  readonly replies: ReadonlyMap<number, string>;
  /** Whether the judge may be relied on, where it is a model of ours. */
  readonly checks: readonly ModelCheck[];
}

/** Asks a judge about every example. Replies that are in the store from an earlier attempt are not asked for again. */
export async function askJudge(
  { name, judge, template, check }: Judging,
  examples: readonly SourceExample[],
  spec: EvaluationSpec,
  context: TaskContext,
  services: TaskServices,
): Promise<Replies> {
  const fill = parseTemplate(template);
  const requests = examples.map((example, id) => {
    const text = fill(columnsOf(example));
    return { id, prompt: spec.judgeChat ? { messages: [{ role: 'user', content: text }] } : { text } };
  });
  const parts = await answerAll(
    {
      stage: name,
      services,
      prefix: `${jobPrefix(context.job.id)}/${name}/`,
      requests,
      options: {
        temperature: 0,
        seed: 0,
        n: 1,
        maxTokens: spec.judgeMaxTokens,
        stop: [],
        logProbabilities: false,
        topLogProbabilities: 0,
      },
      vectors: 'float16',
      open: () => openTextModel(judge, undefined, services, context.signal),
      check: (answer) => check?.(answer.samples[0]?.text ?? ''),
    },
    context,
  );
  acceptFailures(parts, requests.length, spec.errorTolerance, context);
  const replies = new Map<number, string>();
  for (const { id } of requests) {
    const record = await parts.get(id, context.signal);
    const text = record?.answer.samples[0]?.text;
    if (text !== undefined) replies.set(id, text);
  }
  return { replies, checks: parts.checks };
}

function columnsOf({ question, answers, response, prompt }: SourceExample): JsonObject {
  return { question, answers: answers.join(' | '), response, prompt };
}

import { z } from 'zod';
import { modelSlug } from '../../../ingest/families/hallulens/identity.ts';
import { directoryProblem } from '../contract-run/contract-run.ts';
import { MATCHES } from '../scoring/match.ts';
import { shardFields } from '../shards.ts';
import { modelIdOf, modelSpec } from '../text-model/model-spec.ts';

/** What the HalluLens tasks ask when a row has a question and no prompt. */
export const DEFAULT_PROMPT_TEMPLATE = 'Answer the question concisely.\n\nQ: {question}\nA:';

const SOURCES = ['questions', 'prompts', 'rows'] as const;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** What an inference job is to do. */
export const inferenceSpec = z
  .object({
    model: modelSpec.describe('The model that answers.'),
    questions: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File of questions, one a row: JSON lines, a JSON array, CSV or TSV, gzipped or not; a path on the worker, a key in the store or an s3:// address.',
      ),
    prompts: z.array(z.string()).min(1).optional().describe('Prompts themselves, instead of a file.'),
    rows: z
      .array(z.record(z.string(), z.json()))
      .min(1)
      .optional()
      .describe('Rows with the same columns as a file, instead of one.'),
    offset: z.int().min(0).default(0).describe('Rows left out at the beginning.'),
    limit: z.int().min(1).optional().describe('Rows taken at most.'),
    promptTemplate: z
      .string()
      .optional()
      .describe(
        'Text with {column} of the row in it. Default: the column `prompt`, else a short question as the HalluLens tasks put it.',
      ),
    chat: z
      .boolean()
      .default(false)
      .describe("Send the prompt as a user's message, through the chat template or the chat interface."),
    systemPrompt: z.string().optional().describe('System message before it; only with chat.'),
    templateVariables: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe('Variables of the chat template, e.g. {"enable_thinking": false}; backend onnx.'),
    questionModel: modelSpec
      .optional()
      .describe('Model that makes a question of every row first, as `--do_generate_prompt` does.'),
    questionTemplate: z
      .string()
      .optional()
      .describe('What it is asked, with {column} of the row. Its answer becomes the column `question`.'),
    answerTemplate: z
      .string()
      .optional()
      .describe('What it is asked then, with {question} too. Its answer becomes the column `answer`.'),
    questionMaxTokens: z.int().min(1).max(100_000).default(128).describe('Tokens of its answers.'),
    benchmark: z.string().min(1).default('custom').describe("Name of the benchmark: part of the run's path."),
    split: z.string().min(1).default('test').describe('Split that the rows are of.'),
    method: z
      .string()
      .min(1)
      .optional()
      .describe('Default: mean_logprob, what score_halu is; unscored where no log-probabilities are known.'),
    date: z.string().regex(DATE).optional().describe('Date in the path; default: that of the first attempt.'),
    seed: z.int().default(0).describe('Seed of the sampling and of the run.'),
    temperature: z.number().min(0).max(100).default(0).describe('0: the most probable token.'),
    topP: z.number().gt(0).max(1).default(1).describe('Only the most probable tokens of this probability.'),
    topK: z.int().min(0).default(0).describe('Only so many of the most probable tokens; 0: all.'),
    n: z.int().min(1).max(1000).default(1).describe('Samples a prompt.'),
    maxTokens: z.int().min(1).max(1_000_000).default(64).describe('Tokens of a response.'),
    stop: z.array(z.string().min(1)).max(64).default([]).describe('Texts before which a response ends.'),
    logProbabilities: z
      .boolean()
      .default(true)
      .describe('Ask for log-probabilities; turn it off for endpoints that refuse.'),
    topLogProbabilities: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe('Alternatives recorded for every token.'),
    evaluator: z
      .enum([...MATCHES, 'none'])
      .default('containment')
      .describe('How responses are labelled; containment is what the HalluLens tasks call exact match.'),
    answerColumn: z
      .string()
      .optional()
      .describe('Column of the correct answers; default: as the HalluLens tasks name it.'),
    labelColumn: z
      .string()
      .optional()
      .describe('Column that says whether the response is a hallucination, instead of an evaluator.'),
    labelSource: z
      .string()
      .min(1)
      .optional()
      .describe('Who labelled; default: the evaluator, or `annotation`.'),
    capture: z.boolean().default(false).describe('Record activations; backend onnx.'),
    layers: z
      .array(z.int())
      .min(1)
      .optional()
      .describe('Layers as in hidden_states: 0 the embedding, -1 the last. Default: all.'),
    sequence: z.enum(['all', 'prompt', 'response']).default('all').describe('Whose tokens are recorded.'),
    tokenSelector: z
      .enum(['all', 'last', 'mean', 'answer'])
      .default('all')
      .describe('Which of them; answer: those of the response that spell a correct answer.'),
    lastLayer: z
      .enum(['normed', 'residual'])
      .default('normed')
      .describe('The last layer after the final norm, as transformers has it, or before.'),
    activationType: z
      .enum(['float16', 'float32'])
      .default('float16')
      .describe('Type of the recorded vectors.'),
    errorTolerance: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Share of the prompts that may fail for good; the run goes without them.'),
    ...shardFields,
  })
  .superRefine((spec, context) => {
    const wrong = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const names = {
      benchmark: spec.benchmark,
      method: spec.method ?? 'unscored',
      model: modelSlug(modelIdOf(spec.model)),
    };
    for (const [key, name] of Object.entries(names)) {
      const problem = directoryProblem(name);
      if (problem !== undefined) wrong(key, `${JSON.stringify(name)} cannot be a directory: ${problem}`);
    }
    const given = SOURCES.filter((key) => spec[key] !== undefined);
    if (given.length !== 1)
      wrong('questions', `expected one of ${SOURCES.join(', ')}, found ${given.length}`);
    if ((spec.questionModel === undefined) !== (spec.questionTemplate === undefined))
      wrong('questionTemplate', 'expected together with questionModel');
    if (spec.answerTemplate !== undefined && spec.questionModel === undefined)
      wrong('answerTemplate', 'expected only with questionModel');
    if (spec.systemPrompt !== undefined && !spec.chat) wrong('systemPrompt', 'expected only with chat');
    if (spec.capture && spec.model.backend !== 'onnx') wrong('capture', 'endpoints give no activations');
    if (spec.capture && spec.tokenSelector === 'answer' && spec.sequence !== 'response')
      wrong('sequence', "expected response: the answer's tokens are in the response");
  });

export type InferenceSpec = z.infer<typeof inferenceSpec>;

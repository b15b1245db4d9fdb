import { z } from 'zod';
import { PROMPT_HASHES } from '../../../../ingest/families/chaosbench/policy/index.ts';
import { directoryProblem } from '../../contract-run/contract-run.ts';
import { modelFields, requireMembers } from '../../text-model/model-spec.ts';
import { hashOfWish, VARIANTS } from './prompt.ts';

const { concurrency: _, ...endpointFields } = modelFields;

/** What stands in for a model where none is wanted: in a dry run, as a baseline, to replay recorded answers. */
export const mockSpec = z.object({
  mode: z
    .enum(['constant', 'alternating', 'random', 'recorded'])
    .default('constant')
    .describe(
      'constant: the first text. alternating: one after the other, by the position of the item. random: drawn by seed and prompt. recorded: those of a predictions.jsonl.',
    ),
  texts: z.array(z.string()).min(1).default(['TRUE', 'FALSE']).describe('Texts that it answers.'),
  seed: z.int().default(0).describe('random: what is drawn depends on it.'),
  file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'recorded: a predictions.jsonl with the answers by id; a path, a key in the store or an s3:// address.',
    ),
  delaySeconds: z.number().min(0).max(3600).default(0).describe('Time that it takes over an answer.'),
});
export type MockSpec = z.infer<typeof mockSpec>;

/** The model that is evaluated. */
const chaosModel = z
  .object({
    ...endpointFields,
    backend: z
      .enum(['onnx', 'openai', 'mock'])
      .default('onnx')
      .describe(
        'onnx: a checkpoint, in a process of the worker. openai: any server of the OpenAI interface. mock: no model.',
      ),
    mock: mockSpec.optional().describe('mock: what it answers.'),
  })
  .superRefine(({ backend, mock, ...model }, context) => {
    const wrong = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (backend !== 'mock') {
      requireMembers({ ...model, backend }, context);
      if (mock !== undefined) wrong(['mock'], 'expected only with the backend mock');
      return;
    }
    for (const key of ['path', 'baseUrl', 'name', 'id', 'apiKeyEnv'] as const)
      if (model[key] !== undefined) wrong([key], 'the backend mock has none');
    if ((mock?.mode === 'recorded') !== (mock?.file !== undefined))
      wrong(['mock', 'file'], 'expected together with the mode recorded');
  });
export type ChaosModel = z.infer<typeof chaosModel>;

const promptSpec = z
  .object({
    variant: z
      .string()
      .min(1)
      .optional()
      .describe(
        `${VARIANTS.join(', ')}, or a name for texts of your own. Default: v1 where the dataset comes with its texts, else plain.`,
      ),
    system: z.string().optional().describe('Instruction; without a known variant.'),
    template: z.string().optional().describe('What follows it, with {question}. Default: {question}.'),
    reprompt: z.string().min(1).optional().describe('What is asked after an answer that is none.'),
  })
  .superRefine((prompt, context) => {
    const wrong = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const { variant, template } = prompt;
    if (template?.includes('{question}') === false) wrong('template', 'expected {question} in it');
    const hash = hashOfWish(prompt);
    if (variant === undefined) return;
    if (hash === undefined) {
      if (!VARIANTS.includes(variant))
        wrong('variant', `expected one of ${VARIANTS.join(', ')}, or the texts of another`);
      return;
    }
    const known = Object.hasOwn(PROMPT_HASHES, variant) ? PROMPT_HASHES[variant] : undefined;
    if (known !== undefined && known !== hash)
      wrong('variant', `the texts have the hash ${hash}; those of ${variant} have ${known}`);
    else if (known === undefined && VARIANTS.includes(variant))
      wrong('variant', `${variant} has texts of its own; name yours otherwise`);
  });

/** What a ChaosBench evaluation is to do. */
export const chaosEvalSpec = z
  .object({
    model: chaosModel.describe('The model that is evaluated.'),
    provider: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, { error: 'expected a name in small letters, such as ollama' })
      .optional()
      .describe('Who serves the model, in the results, e.g. ollama; default: the backend.'),
    dataset: z
      .string()
      .min(1)
      .describe(
        "A checkout of the benchmark's project (with data/canonical_v2_files.json), or a file of items (JSON lines); a path on the worker, a key in the store or an s3:// address.",
      ),
    maxItems: z.int().min(1).optional().describe('So many items, drawn with the seed. Default: all.'),
    seed: z.int().default(42).describe('Of the draw, and of the sampling where there is a temperature.'),
    shuffleSeed: z.int().optional().describe('Ask in an order shuffled with this seed.'),
    prompt: promptSpec.optional().describe('What is sent for an item.'),
    chat: z
      .boolean()
      .optional()
      .describe("Send it as a user's message. Default: to endpoints; a checkpoint gets plain text."),
    temperature: z.number().min(0).max(100).default(0).describe('0: the most probable token.'),
    maxTokens: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(16)
      .describe('Tokens of an answer; models that think need many more.'),
    stop: z.array(z.string().min(1)).max(64).default([]).describe('Texts before which an answer ends.'),
    parsing: z
      .enum(['strict', 'lenient'])
      .default('strict')
      .describe('strict: the last line first. lenient: phrases that announce an answer first.'),
    retries: z
      .int()
      .min(0)
      .max(1)
      .default(1)
      .describe('1: an invalid answer is shown to the model, and it is asked once more.'),
    workers: z
      .int()
      .min(1)
      .max(1024)
      .optional()
      .describe(
        "Items that are asked at once. Default: by the policy's table, from the size in the model's name: 4 up to 8b, else 2; 1 where no size is known. A checkpoint is asked in batches instead (model.batchSize).",
      ),
    errorTolerance: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Share of the items that may fail for good; the run goes without them.'),
    runId: z
      .string()
      .optional()
      .describe("Name of the run. Default: the start in UTC, provider and model, as the benchmark's are."),
    label: z.string().optional().describe('Directory above the run, for several that belong together.'),
    gitCommit: z
      .string()
      .regex(/^[0-9a-f]{7,64}$/, { error: 'expected 7 or more hexadecimal digits' })
      .optional()
      .describe(
        "Commit of the benchmark's project. Default: that of the checkout, where the dataset is one.",
      ),
    resume: z
      .string()
      .regex(/^[\w-]+$/, { error: 'expected the id of a job' })
      .optional()
      .describe(
        'Job whose answers this one goes on with: one that failed or was cancelled, with the same dataset, prompt and model.',
      ),
  })
  .superRefine((spec, context) => {
    const wrong = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    for (const key of ['runId', 'label'] as const) {
      const name = spec[key];
      const problem = name === undefined ? undefined : directoryProblem(name);
      if (problem !== undefined) wrong(key, `it cannot be a directory: ${problem}`);
    }
    const { backend } = spec.model;
    if (backend === 'mock' && spec.provider !== undefined)
      wrong('provider', 'the answers of the backend mock are nobody else’s');
    if (backend !== 'mock' && spec.provider === 'mock')
      wrong('provider', 'expected the backend mock, or another name');
    if (backend === 'onnx' && spec.workers !== undefined)
      wrong('workers', 'a checkpoint is asked in batches; expected model.batchSize instead');
  });

export type ChaosEvalSpec = z.infer<typeof chaosEvalSpec>;

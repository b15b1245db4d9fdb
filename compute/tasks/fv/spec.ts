import { z } from 'zod';
import { HEAD_SCORES } from '../../../ingest/contracts/fv/head-score.ts';
import { keyProblem } from '../../../lake/store/keys.ts';
import { shardFields } from '../shards.ts';
import { CORRUPTIONS } from './trials/sample.ts';

const index = z.int().min(0).max(9_999);

/** A directory's name. */
const segment = z.string().refine((text) => keyProblem(text) === undefined && !text.includes('/'), {
  error: 'expected a name without slashes',
});

/** Draws of a random control. */
const draws = z.int().min(0).max(20).default(0);

/** What Runlake measures beyond the contract; nothing by default. */
const additions = z.object({
  heldOut: z
    .int()
    .min(0)
    .max(100_000)
    .default(0)
    .describe(
      'Rows of each relation query that no trial may use. With any, vectors are evaluated on unused rows too (query_set held_out).',
    ),
  randomVectors: draws.describe("Control: random vectors with the function vector's norm."),
  randomHeads: draws.describe('Control: vectors of as many heads that were not chosen.'),
  otherQuery: z
    .boolean()
    .default(false)
    .describe(
      'Control: the vector of the same heads over the prompts of the next relation query of the file.',
    ),
  distributed: z
    .boolean()
    .default(false)
    .describe('Also add the mean of each chosen head at the out-projection of its own layer.'),
  attribution: z
    .boolean()
    .default(false)
    .describe('Also attribute the logit of the target to the heads directly (dla).'),
});

/** What a function-vector job is to do. */
export const fvSpec = z.object({
  model: z
    .object({
      path: z
        .string()
        .min(1)
        .describe('Directory of the checkpoint, a path on the worker or a key in the store.'),
      id: z
        .string()
        .min(1)
        .optional()
        .describe('Name in the results, e.g. org/model; default: the last part of the path.'),
      provider: z
        .enum(['auto', 'cpu', 'cuda', 'webgpu'])
        .default('auto')
        .describe('Execution provider; auto takes the best that loads.'),
      compute: z
        .enum(['float32', 'float16', 'bfloat16'])
        .optional()
        .describe("Type of the arithmetic; default: the provider's."),
      threads: z
        .int()
        .min(1)
        .max(1024)
        .optional()
        .describe('Threads of one operation; default: one for a small model, else the physical cores.'),
      memoryBytes: z
        .number()
        .positive()
        .optional()
        .describe(
          'Memory of one batch, beyond the model; default: a part of what the first worker has free.',
        ),
    })
    .describe('The model that is examined.'),
  relation: z
    .string()
    .min(1)
    .describe(
      'CSV file of the relation, a row a pair: a path on the worker, a key in the store or an s3:// address. Its name without .csv names the relation.',
    ),
  csv: z
    .string()
    .min(1)
    .optional()
    .describe('Text of the relation file itself; `relation` is then its name only.'),
  columns: z
    .object({
      query: z.string().min(1).optional().describe('Column of the relation query; default q, id or qid.'),
      input: z
        .string()
        .min(1)
        .optional()
        .describe('Column of the first side; default exA, ex_A, ex_a or input.'),
      output: z
        .string()
        .min(1)
        .optional()
        .describe('Column of the second side; default exB, ex_B, ex_b or output.'),
    })
    .default({})
    .describe('Columns of the relation file.'),
  queries: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Relation queries; default: all of the file, sorted as texts.'),
  trials: z.int().min(1).max(100_000).default(25).describe('Trials of each relation query.'),
  demos: z
    .int()
    .min(1)
    .max(1000)
    .default(9)
    .describe('Demonstrations of each trial; a query with fewer other rows is skipped.'),
  corruption: z
    .enum(CORRUPTIONS)
    .default('shuffled')
    .describe(
      'Labels of corrupted prompts. shuffled: the own ones in another order. mixed: of other relation queries.',
    ),
  seed: z.int().default(0).describe('Seed of the trials; each relation query begins with it.'),
  layers: z.array(index).min(1).optional().describe('Layers of the heads that are swept; default: all.'),
  heads: z
    .array(index)
    .min(1)
    .optional()
    .describe('Numbers of the heads that are swept in each layer; default: all.'),
  topk: z.int().min(1).max(100_000).default(20).describe('Heads that make the function vector.'),
  scoreKey: z
    .enum(HEAD_SCORES)
    .default('mean_delta_p')
    .describe('Score by which heads, and where it is one of them layers, are ranked.'),
  alpha: z.number().default(1).describe('How many times the vector is added.'),
  evalExamples: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(50)
    .describe(
      'Zero-shot examples at most. They are the distinct queries of the trials; `additions.heldOut` evaluates on others too.',
    ),
  additions: additions
    .default(additions.parse({}))
    .describe('What is measured beyond the contract, in files of its own below `runlake`.'),
  specialTokens: z
    .boolean()
    .optional()
    .describe("Whether prompts begin with the tokenizer's special tokens; default: yes, but not for gpt2."),
  reference: z
    .boolean()
    .default(false)
    .describe(
      'One full pass over the prompt a head and trial, as the reference implementation does; slow, for checks.',
    ),
  results: segment
    .default('results_fv')
    .describe(
      'Name of the results, part of the identity of the runs: another name keeps runs with other settings beside these.',
    ),
  ...shardFields,
});

export type FvSpec = z.infer<typeof fvSpec>;

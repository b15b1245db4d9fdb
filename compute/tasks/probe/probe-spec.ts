import { z } from 'zod';
import { directoryProblem } from '../contract-run/contract-run.ts';
import { trainingFields } from './network/settings.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Names of methods: what is fitted, and which layer the run reports on. */
export const PROBE_METHODS = ['last_layer_baseline', 'layer_sweep', 'saplma', 'contrastive_v1'] as const;
export const PROBE_TOKENS = ['last', 'first', 'mean'] as const;

const selection = z
  .object({
    ids: z.array(z.string().min(1)).min(1).optional().describe('Ids of runs.'),
    method: z.string().min(1).optional(),
    modelId: z.string().min(1).optional(),
    benchmark: z.string().min(1).optional(),
    seed: z.int().optional(),
    split: z.string().min(1).optional().describe('Split of the examples; default: all of them.'),
  })
  .refine(({ split: _, ...rest }) => Object.values(rest).some((value) => value !== undefined), {
    error: 'expected ids, method, modelId, benchmark or seed',
  })
  .describe('Runs of the lake, by all of the given conditions.');

/** Which labelled examples a probe is about. */
export type RunSelection = z.infer<typeof selection>;

const widths = z.array(z.int().min(1).max(65_536)).min(1).max(10).optional();
const dropout = z.number().min(0).lt(1);
const learningRate = z.number().gt(0);

const saplmaSpec = z
  .object({
    hidden: widths.describe('Hidden widths. Default: a half, a quarter and an eighth of the activation.'),
    dropout: dropout.default(0.1).describe('Share of the hidden units that training drops.'),
    learningRate: learningRate.default(0.001),
    ...trainingFields,
  })
  .prefault({})
  .describe('Settings of the method saplma.');

const contrastiveSpec = z
  .object({
    hidden: widths.describe(
      'Widths of the stages. Default: a half, a quarter and an eighth of the activation.',
    ),
    width: z.int().min(2).max(65_536).optional().describe('Width of the embedding. Default: an eighth.'),
    inputDropout: dropout.default(0.3).describe('Share of the input that training drops.'),
    temperature: z.number().gt(0).default(0.25),
    baseTemperature: z.number().gt(0).default(0.07),
    learningRate: learningRate
      .optional()
      .describe('Default: 1e-5 at a width of 4,096, and in inverse proportion to the width.'),
    gradientClip: z.number().gt(0).default(1).describe('Length that gradients are shortened to.'),
    scoreLayers: z
      .array(z.int().min(0))
      .min(1)
      .max(64)
      .optional()
      .describe(
        'Layers whose embeddings are scored, of `layers`. Default: those nearest to 22/32 and 26/32.',
      ),
    neighbours: z
      .array(z.int().min(1))
      .min(1)
      .max(50)
      .default([5, 10, 20, 50, 100, 200, 500, 1000])
      .describe(
        'Ranks among which the one of the nearest neighbour that counts is chosen, on training rows.',
      ),
    ...trainingFields,
  })
  .prefault({})
  .describe('Settings of the method contrastive_v1.');

/** What a probe job is to do. */
export const probeSpec = z
  .object({
    runs: selection.describe(
      'Runs whose responses are labelled and whose activations are in the lake: inference runs or evaluations.',
    ),
    testRuns: selection
      .optional()
      .describe('Runs to test on, instead of a part of `runs`. Prompts in both are not trained on.'),
    method: z
      .enum(PROBE_METHODS)
      .default('layer_sweep')
      .describe(
        'last_layer_baseline: logistic regression on the last layer. layer_sweep: on every layer; the run reports on the one that does best on held-out training rows. saplma: a multilayer perceptron. contrastive_v1: supervised contrastive embeddings, scored by distances to truthful examples.',
      ),
    apply: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Run of an earlier probe job of this lake: its probe scores the examples of `runs`, and nothing is trained. Site, layers, segment and token are those of the probe.',
      ),
    name: z
      .string()
      .min(1)
      .optional()
      .describe("Method as the run's path has it, to tell variants apart; default: the method."),
    benchmark: z
      .string()
      .min(1)
      .optional()
      .describe("Benchmark in the run's path; default: that of the runs, joined by + where they differ."),
    site: z.string().min(1).default('resid_post').describe('Where in the block the activations are from.'),
    layers: z
      .array(z.int())
      .min(1)
      .optional()
      .describe(
        'Layers as in hidden_states: 0 the embedding, -1 the last. Default: all in the lake; of saplma the one at 22/32 of the depth, of contrastive_v1 those from 14/32 to 29/32.',
      ),
    segment: z
      .enum(['prompt', 'response'])
      .default('prompt')
      .describe('Whose tokens: of the prompt, or of the response.'),
    token: z
      .enum(PROBE_TOKENS)
      .default('last')
      .describe('Which of the recorded tokens: the last, the first, or their mean.'),
    abstentions: z
      .enum(['drop', 'keep'])
      .default('drop')
      .describe('Whether responses that decline to answer are left out, as in HalluLens.'),
    protocol: z
      .enum(['holdout', 'cross_validation'])
      .default('holdout')
      .describe(
        'A test set for every seed, or every example scored by the fold that did not see it. Prompts are never torn apart.',
      ),
    testShare: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.3)
      .describe('Share of the prompts that are tested on: holdout.'),
    folds: z.int().min(2).max(50).default(5).describe('Test folds: cross_validation.'),
    seeds: z.array(z.int().min(0)).min(1).max(100).default([0, 1, 2, 3, 4]).describe('One run each.'),
    regularisation: z
      .array(z.number().gt(0))
      .min(1)
      .max(50)
      .default([0.001, 0.01, 0.1, 1, 10])
      .describe(
        'Inverse strengths C of the L2 penalty; of several the best on inner folds of the training rows.',
      ),
    innerFolds: z.int().min(2).max(50).default(5).describe('Inner folds of the training rows.'),
    resamples: z.int().min(0).max(100_000).default(2000).describe('Bootstrap resamples of an interval.'),
    shuffles: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe('Fits with shuffled labels, as a control. Default: 10, of networks 1.'),
    saplma: saplmaSpec,
    contrastive: contrastiveSpec,
    date: z.string().regex(DATE).optional().describe('Date in the path; default: that of the first attempt.'),
    threads: z.int().min(1).optional().describe('Threads of the arithmetic; default: all cores.'),
    memoryBytes: z
      .int()
      .min(1)
      .default(2 ** 30)
      .describe(
        'Features that are held in memory, of all layers of one probe; more stream from a temporary file.',
      ),
  })
  .superRefine(({ name, benchmark, seeds, regularisation }, context) => {
    for (const [key, value] of Object.entries({ name, benchmark })) {
      const problem = value === undefined ? undefined : directoryProblem(value);
      if (problem !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `it cannot be a directory: ${problem}` });
    }
    for (const [key, values] of Object.entries({ seeds, regularisation })) {
      if (new Set(values).size < values.length)
        context.addIssue({ code: 'custom', path: [key], message: 'expected different values' });
    }
  });

export type ProbeSpec = z.infer<typeof probeSpec>;

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { JobKind } from '../../compute/jobs/job.ts';
import { type ChaosEvalSpec, chaosEvalSpec } from '../../compute/tasks/chaos/evaluation/evaluation-spec.ts';
import { runDirectory } from '../../compute/tasks/contract-run/contract-run.ts';
import { evaluationSpec } from '../../compute/tasks/evaluation/evaluation-spec.ts';
import { fvSpec } from '../../compute/tasks/fv/spec.ts';
import { type InferenceSpec, inferenceSpec } from '../../compute/tasks/inference/inference-spec.ts';
import { probeSpec } from '../../compute/tasks/probe/probe-spec.ts';
import { modelIdOf } from '../../compute/tasks/text-model/model-spec.ts';

/** One job of the demo. */
export interface DemoStep {
  /** Names it for people, and in the record of the demo: never changed. */
  readonly name: string;
  /** What is done, for people. */
  readonly title: string;
  readonly kind: JobKind;
  readonly spec: object;
  /** Names of the steps that have to be completed before. */
  readonly after: readonly string[];
}

/** The folder of the program: sources lie two folders below it, what they are compiled to three. */
const CHECKOUT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url),
);

/** A file that comes with the program, wherever it is started. */
export function inCheckout(path: string): string {
  return resolve(CHECKOUT, path);
}

/**
 * The jobs of the demo, those first that show most: what anybody could submit with the files in `examples/`.
 * @param date `YYYY-MM-DD`, part of the identity of the runs
 */
export async function demoSteps(date: string): Promise<readonly DemoStep[]> {
  const greedy = await inference('examples/closed-book/greedy.json', date);
  const probe = await read('examples/closed-book/probe.json', probeSpec);
  const fv = await read('examples/function-vectors/fv.json', fvSpec);
  const letters = await evaluation('examples/chaosbench/model.json');
  const baseline = await evaluation('examples/chaosbench/always_true.json');
  return [
    {
      name: 'greedy',
      title: '598 closed-book questions answered with the most probable tokens; activations recorded',
      kind: 'inference',
      spec: greedy,
      after: [],
    },
    {
      name: 'evaluation',
      title: 'these answers labelled anew, with "I do not know" set apart',
      kind: 'evaluation',
      spec: evaluationSpec.parse({
        runId: runIdOf(greedy, date),
        evaluator: 'normalized_exact',
        abstention: 'phrases',
        date,
      }),
      after: ['greedy'],
    },
    {
      name: 'letters',
      title:
        '56 true or false questions in four families, from what the model has learnt to what it never saw',
      kind: 'chaos_eval',
      spec: letters,
      after: [],
    },
    {
      name: 'letters-baseline',
      title: 'the same questions, each answered with TRUE, to compare with',
      kind: 'chaos_eval',
      spec: baseline,
      after: [],
    },
    {
      name: 'probe',
      title: 'classifiers of each layer learn to tell made-up answers from the activations (3 seeds)',
      kind: 'probe',
      spec: { ...probe, date },
      after: ['greedy'],
    },
    {
      name: 'function-vectors',
      title: 'which heads carry a relation, and what their vector does at every layer, for two relations',
      kind: 'fv',
      spec: {
        ...fv,
        model: { ...fv.model, path: inCheckout(fv.model.path) },
        relation: inCheckout(fv.relation),
      },
      after: [],
    },
  ];
}

/** A specification whose paths count from the folder of the program. */
async function inference(path: string, date: string): Promise<InferenceSpec> {
  const { model, questions, ...spec } = await read(path, inferenceSpec);
  return {
    ...spec,
    model: { ...model, ...(model.path !== undefined && { path: inCheckout(model.path) }) },
    ...(questions !== undefined && { questions: inCheckout(questions) }),
    date,
  };
}

async function evaluation(path: string): Promise<ChaosEvalSpec> {
  const { model, dataset, ...spec } = await read(path, chaosEvalSpec);
  return {
    ...spec,
    model: { ...model, ...(model.path !== undefined && { path: inCheckout(model.path) }) },
    dataset: inCheckout(dataset),
  };
}

async function read<Spec>(path: string, schema: z.ZodType<Spec>): Promise<Spec> {
  return schema.parse(JSON.parse(await readFile(inCheckout(path), 'utf8')));
}

/** The run that an inference job will have put into the lake. */
function runIdOf({ method = '', model, benchmark, split, seed }: InferenceSpec, date: string): string {
  const directory = runDirectory({ date, method, modelId: modelIdOf(model), benchmark, split, seed });
  return directory.replace('runs/', 'main/hallulens/');
}

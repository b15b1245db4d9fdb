import { chaosEvaluationTask } from './chaos/evaluation/evaluation.ts';
import { evaluationTask } from './evaluation/evaluation.ts';
import { fvTask } from './fv/fv.ts';
import { inferenceTask } from './inference/inference.ts';
import { probeTask } from './probe/probe.ts';
import type { TaskDefinition } from './task.ts';

/** Every kind of job that can be launched. A new one is added here and nowhere else. */
export const TASKS: readonly TaskDefinition[] = [
  inferenceTask,
  evaluationTask,
  probeTask,
  fvTask,
  chaosEvaluationTask,
];

import type { Experiment } from '../artifacts/experiment.ts';
import type { Corruption } from '../trials/sample.ts';
import type { Heading } from './svg.ts';

const CORRUPTED: Readonly<Record<Corruption, string>> = {
  shuffled: 'labels shuffled among themselves',
  mixed: 'labels of other relation queries',
};

/** What stands above a plot of a relation query: what it shows, of which model, and how the prompts were made. */
export function caption(experiment: Experiment, what: string, ...more: readonly string[]): Heading {
  const { qId, model, trials, demos, corruption, seed } = experiment;
  return {
    title: `${qId}: ${what}`,
    details: [
      `${model}, ${trials} trials of ${demos} demonstrations, seed ${seed}`,
      `corrupted prompts: ${CORRUPTED[corruption]} (${corruption})`,
      ...more,
    ],
  };
}

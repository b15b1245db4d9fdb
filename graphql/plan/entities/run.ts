import {
  GENERATIONS,
  ISSUES,
  METRICS,
  PREDICTIONS,
  RUNS,
  TRAIN_METRICS,
} from '../../../lake/tables/tables.ts';
import { type EntityName, entity, type Relationship } from './entity.ts';
import { ENTROPY_OF_RUN } from './entropy.ts';
import { FV_OF_RUN } from './fv.ts';
import { BY_EXAMPLE, BY_RUN, run, TO_STORE, WHOLE } from './relations.ts';

function count(target: EntityName, doc: string): Relationship {
  return { kind: 'count', target, on: BY_RUN, doc };
}

export const RUN = entity({
  name: 'Run',
  table: RUNS,
  identity: ['run_id'],
  unique: true,
  relationships: {
    generations: { kind: 'list', target: 'Generation', on: BY_RUN, doc: 'Prompts and responses of the run.' },
    predictions: { kind: 'list', target: 'Prediction', on: BY_RUN, doc: 'Scored examples of the run.' },
    metrics: { kind: 'list', target: 'Metric', on: BY_RUN, first: WHOLE, doc: 'Numbers about the run.' },
    trainMetrics: {
      kind: 'list',
      target: 'TrainMetric',
      on: BY_RUN,
      first: WHOLE,
      doc: 'Training log of the run.',
    },
    issues: { kind: 'list', target: 'Issue', on: BY_RUN, first: WHOLE, doc: 'What ingest found.' },
    stores: {
      kind: 'list',
      target: 'ActivationStore',
      on: BY_RUN,
      first: WHOLE,
      doc: 'Activation stores the run refers to.',
    },
    activations: {
      kind: 'list',
      target: 'Activation',
      on: [['run_id', 'store_id']],
      through: TO_STORE,
      doc: 'Vectors of every store the run refers to.',
    },
    ...ENTROPY_OF_RUN,
    ...FV_OF_RUN,
    generationCount: count('Generation', 'Number of generations that match.'),
    predictionCount: count('Prediction', 'Number of predictions that match.'),
    issueCount: count('Issue', 'Number of issues that match.'),
  },
});

export const GENERATION = entity({
  name: 'Generation',
  table: GENERATIONS,
  identity: ['run_id', 'example_id', 'source_line'],
  relationships: {
    run,
    prediction: {
      kind: 'one',
      target: 'Prediction',
      on: BY_EXAMPLE,
      doc: 'The prediction of the same run for the same example; the first one where there are several.',
    },
    predictions: {
      kind: 'list',
      target: 'Prediction',
      on: BY_EXAMPLE,
      doc: 'Predictions of the same run for the same example.',
    },
    activations: {
      kind: 'list',
      target: 'Activation',
      on: [
        ['run_id', 'store_id'],
        ['activation_key', 'activation_key'],
      ],
      through: TO_STORE,
      doc: 'Vectors recorded while this response was generated.',
    },
    tokens: {
      kind: 'list',
      target: 'Token',
      on: [
        ['run_id', 'store_id'],
        ['activation_key', 'activation_key'],
      ],
      through: TO_STORE,
      first: WHOLE,
      doc: 'Tokens of the response whose ids or log-probabilities were recorded.',
    },
  },
});

export const PREDICTION = entity({
  name: 'Prediction',
  table: PREDICTIONS,
  identity: ['run_id', 'example_id', 'source_line', 'edit_layer'],
  relationships: {
    run,
    generation: {
      kind: 'one',
      target: 'Generation',
      on: BY_EXAMPLE,
      doc: 'The generation of the same run for the same example.',
    },
  },
});

export const METRIC = entity({
  name: 'Metric',
  table: METRICS,
  identity: ['run_id', 'scope', 'metric', 'split', 'source'],
  relationships: { run },
});

export const TRAIN_METRIC = entity({
  name: 'TrainMetric',
  table: TRAIN_METRICS,
  identity: ['run_id', 'step'],
  relationships: { run },
});

export const ISSUE = entity({
  name: 'Issue',
  table: ISSUES,
  identity: ['run_id', 'file', 'line', 'pointer', 'code', 'severity', 'message'],
  relationships: { run },
});

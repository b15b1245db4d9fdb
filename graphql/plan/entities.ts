import { ACTIVATION, ACTIVATION_STORE, TOKEN } from './entities/activations.ts';
import type { Entity, EntityName } from './entities/entity.ts';
import {
  ENTROPY_COMPARISON,
  ENTROPY_FEATURE,
  ENTROPY_POINT,
  ENTROPY_SEQUENCE,
  ENTROPY_UPDATE,
} from './entities/entropy.ts';
import { FV_HEAD, FV_INJECTION, FV_INJECTION_TRIAL, FV_TRIAL, FV_VECTOR } from './entities/fv.ts';
import { GENERATION, ISSUE, METRIC, PREDICTION, RUN, TRAIN_METRIC } from './entities/run.ts';

export {
  camelCase,
  columnOf,
  type Entity,
  type EntityField,
  type EntityName,
  type Relationship,
  type ScalarName,
} from './entities/entity.ts';

export const ENTITIES: Readonly<Record<EntityName, Entity>> = Object.freeze({
  Run: RUN,
  Generation: GENERATION,
  Prediction: PREDICTION,
  Metric: METRIC,
  TrainMetric: TRAIN_METRIC,
  Activation: ACTIVATION,
  Token: TOKEN,
  ActivationStore: ACTIVATION_STORE,
  EntropyUpdate: ENTROPY_UPDATE,
  EntropyPoint: ENTROPY_POINT,
  EntropyComparison: ENTROPY_COMPARISON,
  EntropySequence: ENTROPY_SEQUENCE,
  EntropyFeature: ENTROPY_FEATURE,
  FvHead: FV_HEAD,
  FvTrial: FV_TRIAL,
  FvVector: FV_VECTOR,
  FvInjection: FV_INJECTION,
  FvInjectionTrial: FV_INJECTION_TRIAL,
  Issue: ISSUE,
});

/** The connections of Query and what they give. */
export const ROOT_ENTITIES: ReadonlyMap<string, EntityName> = new Map([
  ['runs', 'Run'],
  ['generations', 'Generation'],
  ['predictions', 'Prediction'],
  ['metrics', 'Metric'],
  ['trainMetrics', 'TrainMetric'],
  ['activations', 'Activation'],
  ['entropyUpdates', 'EntropyUpdate'],
  ['entropyPoints', 'EntropyPoint'],
  ['entropySequences', 'EntropySequence'],
  ['entropyFeatures', 'EntropyFeature'],
  ['fvHeads', 'FvHead'],
  ['fvTrials', 'FvTrial'],
  ['fvVectors', 'FvVector'],
  ['fvInjections', 'FvInjection'],
  ['fvInjectionTrials', 'FvInjectionTrial'],
  ['issues', 'Issue'],
  ['stores', 'ActivationStore'],
]);

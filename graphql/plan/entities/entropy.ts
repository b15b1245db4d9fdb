import {
  ENTROPY_FEATURES,
  ENTROPY_POINTS,
  ENTROPY_SEQUENCES,
  ENTROPY_UPDATES,
} from '../../../lake/tables/entropy.ts';
import { entity, type Relationship } from './entity.ts';
import { BY_RUN, run, WHOLE } from './relations.ts';

/** Fields of a run that lead here. */
export const ENTROPY_OF_RUN: Readonly<Record<string, Relationship>> = {
  entropyUpdate: {
    kind: 'one',
    target: 'EntropyUpdate',
    on: BY_RUN,
    doc: 'The update and the derivatives of the entropy (entropy runs).',
  },
  entropyPoints: {
    kind: 'list',
    target: 'EntropyPoint',
    on: BY_RUN,
    first: WHOLE,
    doc: 'True and predicted change of the entropy, a learning rate each (entropy runs).',
  },
  entropyFeatures: {
    kind: 'list',
    target: 'EntropyFeature',
    on: BY_RUN,
    doc: 'Derivatives and features of the sequences (entropy runs).',
  },
};

export const ENTROPY_UPDATE = entity({
  name: 'EntropyUpdate',
  table: ENTROPY_UPDATES,
  identity: ['run_id'],
  unique: true,
  relationships: {
    run,
    points: {
      kind: 'list',
      target: 'EntropyPoint',
      on: BY_RUN,
      first: WHOLE,
      doc: 'True and predicted change, a learning rate each.',
    },
    features: {
      kind: 'list',
      target: 'EntropyFeature',
      on: BY_RUN,
      doc: 'Derivatives and features of the sequences.',
    },
  },
});

const BY_ETA = [
  ['run_id', 'run_id'],
  ['eta', 'eta'],
] as const;
const POINT_RELATIONSHIPS: Readonly<Record<string, Relationship>> = {
  run,
  update: { kind: 'one', target: 'EntropyUpdate', on: BY_RUN, doc: 'The derivatives that predict it.' },
  sequences: {
    kind: 'list',
    target: 'EntropySequence',
    on: BY_ETA,
    first: 10_000,
    doc: 'Weights, entropies and contributions of the sequences, in their order.',
  },
};

export const ENTROPY_POINT = entity({
  name: 'EntropyPoint',
  table: ENTROPY_POINTS,
  identity: ['run_id', 'eta'],
  relationships: POINT_RELATIONSHIPS,
});

/** The same row under the name it has where one learning rate is asked for. */
export const ENTROPY_COMPARISON = entity({
  name: 'EntropyComparison',
  table: ENTROPY_POINTS,
  identity: ['run_id', 'eta'],
  relationships: POINT_RELATIONSHIPS,
});

export const ENTROPY_SEQUENCE = entity({
  name: 'EntropySequence',
  table: ENTROPY_SEQUENCES,
  identity: ['run_id', 'eta', 'sequence'],
  relationships: {
    run,
    point: { kind: 'one', target: 'EntropyPoint', on: BY_ETA, doc: 'The sums at its learning rate.' },
    features: {
      kind: 'one',
      target: 'EntropyFeature',
      on: [
        ['run_id', 'run_id'],
        ['sequence', 'sequence'],
      ],
      doc: 'Its derivatives and features, which no learning rate changes.',
    },
  },
});

export const ENTROPY_FEATURE = entity({
  name: 'EntropyFeature',
  table: ENTROPY_FEATURES,
  identity: ['run_id', 'sequence'],
  relationships: { run },
});

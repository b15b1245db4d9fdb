import { ACTIVATIONS, RUN_STORES, TOKENS } from '../../../lake/tables/tables.ts';
import { entity } from './entity.ts';
import { run, TO_RUN, WHOLE } from './relations.ts';

export const ACTIVATION_STORE = entity({
  name: 'ActivationStore',
  table: RUN_STORES,
  identity: ['run_id', 'store_id'],
  unique: true,
  relationships: {
    run,
    activations: {
      kind: 'list',
      target: 'Activation',
      on: [['store_id', 'store_id']],
      doc: 'Vectors of the store.',
    },
  },
});

export const ACTIVATION = entity({
  name: 'Activation',
  table: ACTIVATIONS,
  identity: ['store_id', 'layer', 'activation_key', 'token_index', 'site', 'token_selector', 'segment'],
  relationships: {
    runs: {
      kind: 'list',
      target: 'Run',
      on: [['store_id', 'run_id']],
      through: TO_RUN,
      first: WHOLE,
      doc: 'Every run that refers to the store.',
    },
    generations: {
      kind: 'list',
      target: 'Generation',
      on: [
        ['store_id', 'run_id'],
        ['activation_key', 'activation_key'],
      ],
      through: TO_RUN,
      doc: 'The generations it was recorded from, one a run that refers to the store.',
    },
  },
});

export const TOKEN = entity({
  name: 'Token',
  table: TOKENS,
  identity: ['store_id', 'activation_key', 'segment', 'token_index'],
  relationships: {},
});

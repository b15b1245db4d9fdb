import {
  FV_HEADS,
  FV_INJECTION_TRIALS,
  FV_INJECTIONS,
  FV_TRIALS,
  FV_VECTORS,
} from '../../../lake/tables/fv.ts';
import { entity, type Relationship } from './entity.ts';
import { BY_EXAMPLE, BY_RUN, run, WHOLE } from './relations.ts';

/** Fields of a run that lead here. */
export const FV_OF_RUN: Readonly<Record<string, Relationship>> = {
  fvHeads: {
    kind: 'list',
    target: 'FvHead',
    on: BY_RUN,
    first: WHOLE,
    doc: 'Scores of attention heads (FV runs).',
  },
  fvTrials: { kind: 'list', target: 'FvTrial', on: BY_RUN, doc: 'Trials of patched heads (FV runs).' },
  fvVectors: {
    kind: 'list',
    target: 'FvVector',
    on: BY_RUN,
    doc: 'Function vectors and mean head activations (FV runs).',
  },
  fvInjections: {
    kind: 'list',
    target: 'FvInjection',
    on: BY_RUN,
    first: WHOLE,
    doc: 'What the function vector does, layer by layer (FV runs).',
  },
  fvInjectionTrials: {
    kind: 'list',
    target: 'FvInjectionTrial',
    on: BY_RUN,
    doc: 'Examples of the injections (FV runs).',
  },
};

export const FV_HEAD = entity({
  name: 'FvHead',
  table: FV_HEADS,
  identity: ['run_id', 'q_id', 'layer', 'head'],
  relationships: {
    run,
    trials: {
      kind: 'list',
      target: 'FvTrial',
      on: [
        ['run_id', 'run_id'],
        ['q_id', 'q_id'],
        ['layer', 'layer'],
        ['head', 'head'],
      ],
      doc: 'The trials that its scores are means of.',
    },
  },
});

export const FV_TRIAL = entity({
  name: 'FvTrial',
  table: FV_TRIALS,
  identity: ['run_id', 'q_id', 'layer', 'head', 'trial_idx', 'source_line'],
  relationships: {
    run,
    generation: { kind: 'one', target: 'Generation', on: BY_EXAMPLE, doc: 'The prompts of the trial.' },
  },
});

export const FV_VECTOR = entity({
  name: 'FvVector',
  table: FV_VECTORS,
  identity: ['run_id', 'kind', 'q_id', 'layer', 'head', 'file'],
  relationships: { run },
});

export const FV_INJECTION = entity({
  name: 'FvInjection',
  table: FV_INJECTIONS,
  identity: ['run_id', 'q_id', 'query_set', 'vector_kind', 'draw', 'layer'],
  relationships: {
    run,
    trials: {
      kind: 'list',
      target: 'FvInjectionTrial',
      on: [
        ['run_id', 'run_id'],
        ['q_id', 'q_id'],
        ['layer', 'layer'],
      ],
      alike: ['query_set', 'vector_kind', 'draw'],
      doc: 'The examples that its scores are means of.',
    },
  },
});

export const FV_INJECTION_TRIAL = entity({
  name: 'FvInjectionTrial',
  table: FV_INJECTION_TRIALS,
  identity: ['run_id', 'q_id', 'query_set', 'vector_kind', 'draw', 'layer', 'idx', 'source_line'],
  relationships: {
    run,
    generation: { kind: 'one', target: 'Generation', on: BY_EXAMPLE, doc: 'The example.' },
  },
});

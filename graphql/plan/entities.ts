import {
  ENTROPY_FEATURES,
  ENTROPY_POINTS,
  ENTROPY_SEQUENCES,
  ENTROPY_UPDATES,
} from '../../lake/tables/entropy.ts';
import { FV_HEADS, FV_INJECTION_TRIALS, FV_INJECTIONS, FV_TRIALS, FV_VECTORS } from '../../lake/tables/fv.ts';
import type { Column, TableSpec } from '../../lake/tables/schema.ts';
import {
  ACTIVATIONS,
  GENERATIONS,
  ISSUES,
  METRICS,
  PREDICTIONS,
  RUN_STORES,
  RUNS,
  TOKENS,
  TRAIN_METRICS,
} from '../../lake/tables/tables.ts';

/** The GraphQL object types that stand for rows of a table. */
export type EntityName =
  | 'Run'
  | 'Generation'
  | 'Prediction'
  | 'Metric'
  | 'TrainMetric'
  | 'Activation'
  | 'Token'
  | 'ActivationStore'
  | 'EntropyUpdate'
  | 'EntropyPoint'
  | 'EntropyComparison'
  | 'EntropySequence'
  | 'EntropyFeature'
  | 'FvHead'
  | 'FvTrial'
  | 'FvVector'
  | 'FvInjection'
  | 'FvInjectionTrial'
  | 'Issue';

/** How a field of one entity reaches rows of another. Data only: the planner makes the join of it. */
export interface Relationship {
  readonly kind: 'list' | 'one' | 'count';
  readonly target: EntityName;
  /** Pairs of columns that are equal: ours, theirs. */
  readonly on: readonly (readonly [own: string, target: string])[];
  /** Columns of both that are the same, be it null. */
  readonly alike?: readonly string[];
  /**
   * The first pair does not match directly but through `run_stores`: our column equals its `from`, its `to`
   * equals theirs.
   */
  readonly through?: { readonly from: string; readonly to: string };
  /** Rows a parent when the query does not say. */
  readonly first?: number;
  readonly doc: string;
}

export interface EntityField {
  readonly name: string;
  readonly column: Column;
  readonly scalar: ScalarName;
}

export type ScalarName =
  | 'ID'
  | 'String'
  | 'Int'
  | 'BigInt'
  | 'Float'
  | 'Boolean'
  | 'JSON'
  | 'DateTime'
  | 'Date'
  | 'Vector'
  | 'ComplianceItem'
  | 'IdentityCheck'
  | 'StringList'
  | 'BigIntList'
  | 'FloatList';

export interface Entity {
  readonly name: EntityName;
  readonly table: TableSpec;
  /** Columns that identify a row; they end every ORDER BY, so that pages do not depend on chance. */
  readonly identity: readonly string[];
  /** Whether `identity` alone is known to be a key (then a to-one join needs no ranking). */
  readonly unique: boolean;
  readonly fields: ReadonlyMap<string, EntityField>;
  readonly columns: ReadonlyMap<string, Column>;
  readonly relationships: ReadonlyMap<string, Relationship>;
}

const SCALARS: Readonly<Record<Column['type'], ScalarName>> = {
  string: 'String',
  json: 'JSON',
  long: 'BigInt',
  integer: 'Int',
  double: 'Float',
  boolean: 'Boolean',
  timestamp: 'DateTime',
  date: 'Date',
  'float[]': 'Vector',
  'string[]': 'StringList',
  'long[]': 'BigIntList',
};

/** Positions and counts fit 32 bits; seeds and token ids of other people's tools need not. */
const SMALL = /^(n_\w+|line|source_line|step|epoch)$/;

/** `score_halu` -> `scoreHalu`. */
export function camelCase(column: string): string {
  return column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function scalarOf(table: string, column: Column): ScalarName {
  if (table === 'runs' && column.name === 'compliance') return 'ComplianceItem';
  if (column.type === 'json' && column.name === 'checks') return 'IdentityCheck';
  if (column.type === 'float[]' && column.name !== 'vector') return 'FloatList';
  return column.type === 'long' && SMALL.test(column.name) ? 'Int' : SCALARS[column.type];
}

interface EntityParts {
  readonly name: EntityName;
  readonly table: TableSpec;
  readonly identity: readonly string[];
  readonly unique?: boolean;
  readonly relationships: Readonly<Record<string, Relationship>>;
}

function entity({ name, table, identity, unique = false, relationships }: EntityParts): Entity {
  const fields = new Map<string, EntityField>();
  const first = table.columns[0];
  if (name === 'Run' && first) fields.set('id', { name: 'id', column: first, scalar: 'ID' });
  for (const column of table.columns) {
    const field = camelCase(column.name);
    fields.set(field, { name: field, column, scalar: scalarOf(table.name, column) });
  }
  return Object.freeze({
    name,
    table,
    identity,
    unique,
    fields,
    columns: new Map(table.columns.map((column) => [column.name, column])),
    relationships: new Map(Object.entries(relationships)),
  });
}

const BY_RUN = [['run_id', 'run_id']] as const;
const BY_EXAMPLE = [
  ['run_id', 'run_id'],
  ['example_id', 'example_id'],
] as const;
const TO_STORE = { from: 'run_id', to: 'store_id' } as const;
const TO_RUN = { from: 'store_id', to: 'run_id' } as const;
/** Small tables: a run's whole list is what people expect. */
const WHOLE = 1000;

const run: Relationship = { kind: 'one', target: 'Run', on: BY_RUN, doc: 'The run it belongs to.' };

function count(target: EntityName, doc: string): Relationship {
  return { kind: 'count', target, on: BY_RUN, doc };
}

const RUN = entity({
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
    generationCount: count('Generation', 'Number of generations that match.'),
    predictionCount: count('Prediction', 'Number of predictions that match.'),
    issueCount: count('Issue', 'Number of issues that match.'),
  },
});

const GENERATION = entity({
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

const PREDICTION = entity({
  name: 'Prediction',
  table: PREDICTIONS,
  identity: ['run_id', 'example_id', 'source_line'],
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

const METRIC = entity({
  name: 'Metric',
  table: METRICS,
  identity: ['run_id', 'scope', 'metric', 'split', 'source'],
  relationships: { run },
});

const TRAIN_METRIC = entity({
  name: 'TrainMetric',
  table: TRAIN_METRICS,
  identity: ['run_id', 'step'],
  relationships: { run },
});

const ISSUE = entity({
  name: 'Issue',
  table: ISSUES,
  identity: ['run_id', 'file', 'line', 'pointer', 'code', 'severity', 'message'],
  relationships: { run },
});

const ACTIVATION_STORE = entity({
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

const ACTIVATION = entity({
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

const TOKEN = entity({
  name: 'Token',
  table: TOKENS,
  identity: ['store_id', 'activation_key', 'segment', 'token_index'],
  relationships: {},
});

const ENTROPY_UPDATE = entity({
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

const ENTROPY_POINT = entity({
  name: 'EntropyPoint',
  table: ENTROPY_POINTS,
  identity: ['run_id', 'eta'],
  relationships: POINT_RELATIONSHIPS,
});

/** The same row under the name it has where one learning rate is asked for. */
const ENTROPY_COMPARISON = entity({
  name: 'EntropyComparison',
  table: ENTROPY_POINTS,
  identity: ['run_id', 'eta'],
  relationships: POINT_RELATIONSHIPS,
});

const ENTROPY_SEQUENCE = entity({
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

const ENTROPY_FEATURE = entity({
  name: 'EntropyFeature',
  table: ENTROPY_FEATURES,
  identity: ['run_id', 'sequence'],
  relationships: { run },
});

const FV_HEAD = entity({
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

const FV_TRIAL = entity({
  name: 'FvTrial',
  table: FV_TRIALS,
  identity: ['run_id', 'q_id', 'layer', 'head', 'trial_idx', 'source_line'],
  relationships: {
    run,
    generation: { kind: 'one', target: 'Generation', on: BY_EXAMPLE, doc: 'The prompts of the trial.' },
  },
});

const FV_VECTOR = entity({
  name: 'FvVector',
  table: FV_VECTORS,
  identity: ['run_id', 'kind', 'q_id', 'layer', 'head', 'file'],
  relationships: { run },
});

const FV_INJECTION = entity({
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

const FV_INJECTION_TRIAL = entity({
  name: 'FvInjectionTrial',
  table: FV_INJECTION_TRIALS,
  identity: ['run_id', 'q_id', 'query_set', 'vector_kind', 'draw', 'layer', 'idx', 'source_line'],
  relationships: {
    run,
    generation: { kind: 'one', target: 'Generation', on: BY_EXAMPLE, doc: 'The example.' },
  },
});

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

/** The column of an entity by its name. @throws TypeError when the entity table is wrong (a programming error) */
export function columnOf(owner: Entity, name: string): Column {
  const column = owner.columns.get(name);
  if (column === undefined) throw new TypeError(`${owner.name} has no column ${name}`);
  return column;
}

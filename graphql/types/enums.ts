import { registerEnumType } from 'type-graphql';

export enum SortDirection {
  ASC = 'ASC',
  DESC = 'DESC',
}
registerEnumType(SortDirection, { name: 'SortDirection' });

export enum NullsOrder {
  FIRST = 'FIRST',
  LAST = 'LAST',
}
registerEnumType(NullsOrder, { name: 'NullsOrder', description: 'Where rows without a value come.' });

export enum VectorEncoding {
  LIST = 'LIST',
  BASE64 = 'BASE64',
}
registerEnumType(VectorEncoding, {
  name: 'VectorEncoding',
  valuesConfig: {
    LIST: { description: 'A list of numbers.' },
    BASE64: { description: 'Little-endian 32-bit floats as base64.' },
  },
});

export enum MetricSource {
  REPORTED = 'reported',
  RECOMPUTED = 'recomputed',
}
registerEnumType(MetricSource, {
  name: 'MetricSource',
  valuesConfig: {
    REPORTED: { description: 'The number that the artifact holds.' },
    RECOMPUTED: { description: 'The number that Runlake computed from the predictions.' },
  },
});

/** Values are expressions over `r` (runs) and `m` (metrics); see the aggregation. */
export enum MetricDimension {
  FAMILY = 'family',
  METHOD = 'method',
  MODEL_ID = 'modelId',
  BENCHMARK = 'benchmark',
  SPLIT = 'split',
  SCOPE = 'scope',
  SEED = 'seed',
  RUN_DATE = 'runDate',
  STATUS = 'status',
  VERDICT = 'verdict',
  GIT_COMMIT = 'gitCommit',
}
registerEnumType(MetricDimension, { name: 'MetricDimension', description: 'What runs are grouped by.' });

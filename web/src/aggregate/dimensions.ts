/** What runs can be grouped by, as the API names it; a JSON pointer is a member of their configuration. */
export const DIMENSIONS = {
  METHOD: 'Method',
  MODEL_ID: 'Model',
  BENCHMARK: 'Benchmark',
  FAMILY: 'Family',
  SPLIT: 'Split',
  SCOPE: 'Scope',
  SEED: 'Seed',
  RUN_DATE: 'Date',
  STATUS: 'Status',
  VERDICT: 'Verdict',
  GIT_COMMIT: 'Code',
} as const;
export type DimensionName = keyof typeof DIMENSIONS;

/** The names of the API in its filters. */
const FIELDS: Readonly<Record<Exclude<DimensionName, 'SCOPE'>, string>> = {
  METHOD: 'method',
  MODEL_ID: 'modelId',
  BENCHMARK: 'benchmark',
  FAMILY: 'family',
  SPLIT: 'split',
  SEED: 'seed',
  RUN_DATE: 'runDate',
  STATUS: 'status',
  VERDICT: 'verdict',
  GIT_COMMIT: 'gitCommit',
};

export function isDimension(name: string): name is DimensionName {
  return Object.hasOwn(DIMENSIONS, name);
}

/** Whether a text names something to group by. */
export function isGrouping(name: string): boolean {
  return isDimension(name) || name.startsWith('/');
}

export function titleOf(name: string): string {
  return isDimension(name) ? DIMENSIONS[name] : name;
}

/** The `RunFilter` of runs with a value in a dimension; nothing where a filter cannot say it. */
export function dimensionFilter(name: string, value: string | null): Record<string, unknown> {
  // What a group has as split is that of its metrics.
  if (!isDimension(name) || name === 'SCOPE' || name === 'SPLIT') return {};
  return {
    [FIELDS[name]]: value === null ? { isNull: true } : { eq: value },
  };
}

/** The pointers of the members in the structure that DuckDB's `json_group_structure` finds in configurations; lists are members as a whole. */
export function pointersOf(structure: unknown, above = ''): string[] {
  if (typeof structure !== 'object' || structure === null || Array.isArray(structure)) {
    return above === '' ? [] : [above];
  }
  return Object.entries(structure).flatMap(([name, below]) =>
    pointersOf(below, `${above}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineValue } from '../../lake/engine/types.ts';
import type { Row } from '../../lake/tables/schema.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { FakeLake } from '../test-support/fake-lake.ts';
import { predictionRow, runRow } from '../test-support/rows.ts';
import { type CompileOptions, StatementBuilder } from './compile.ts';
import { pruneOf } from './conditions.ts';
import { ENTITIES } from './entities.ts';
import { Printer } from './sql.ts';

const OPTIONS: CompileOptions = {
  fragments: {},
  variableValues: {},
  maxConditions: 1000,
  maxPageSize: 1000,
  maxJoins: 10,
  maxInputDepth: 100,
};

/** What a filter means, written down without SQL: comparisons with a null are false, `not` is the complement. */
type Model = Record<string, unknown>;

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === 'number' && typeof b === 'number' && (Number.isNaN(a) || Number.isNaN(b))) {
    return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

function holds(op: string, value: unknown, operand: unknown): boolean {
  const missing = value === null || value === undefined;
  switch (op) {
    case 'isNull':
      return missing === operand;
    case 'ne':
      return missing || compare(value, operand) !== 0;
    case 'in':
      return !missing && (operand as unknown[]).some((item) => compare(value, item) === 0);
    case 'contains':
      return typeof value === 'string' && value.includes(String(operand));
    default: {
      if (missing) return false;
      const order = compare(value, operand);
      return { eq: order === 0, gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[op] ?? false;
    }
  }
}

const COLUMNS: Readonly<Record<string, string>> = {
  exampleId: 'example_id',
  outcome: 'outcome',
  scoreHalu: 'score_halu',
  seed: 'seed',
  correct: 'correct',
};

function matches(row: Row, filter: Model, runs: ReadonlyMap<unknown, Row>): boolean {
  return Object.entries(filter).every(([name, value]) => {
    if (name === 'and') return (value as Model[]).every((item) => matches(row, item, runs));
    if (name === 'or') return (value as Model[]).some((item) => matches(row, item, runs));
    if (name === 'not') return !matches(row, value as Model, runs);
    if (name === 'run') {
      const run = runs.get(row['run_id']);
      return (
        run !== undefined &&
        Object.entries((value as Record<string, Model>)['method'] ?? {}).every(([op, x]) =>
          holds(op, run['method'], x),
        )
      );
    }
    return Object.entries(value as Model).every(([op, x]) => holds(op, row[COLUMNS[name] ?? ''], x));
  });
}

const texts = fc.constantFrom('', 'a', 'b', 'ab', 'é', '😀', "'; DROP TABLE runs; --", '%', 'A');
const numbers = fc.constantFrom(-1, 0, 0.5, 0.1, 1e300, 2 ** 53);
const integers = fc.constantFrom(-1n, 0n, 1n, 9_007_199_254_740_993n, 2n ** 63n - 1n);

function operators(value: fc.Arbitrary<unknown>, contains = false): fc.Arbitrary<Model> {
  const keys = { eq: value, ne: value, gt: value, gte: value, lt: value, lte: value };
  return fc.record(
    {
      ...keys,
      in: fc.array(value, { maxLength: 3 }),
      isNull: fc.boolean(),
      ...(contains && { contains: value }),
    },
    { requiredKeys: [] },
  );
}

const leaf = fc.oneof(
  fc.record({ exampleId: operators(texts, true) }),
  fc.record({ outcome: operators(texts, true) }),
  fc.record({ scoreHalu: operators(numbers), outcome: operators(texts) }, { requiredKeys: [] }),
  fc.record({ seed: operators(integers) }),
  fc.record({
    correct: fc.record({ eq: fc.boolean(), ne: fc.boolean(), isNull: fc.boolean() }, { requiredKeys: [] }),
  }),
  fc.record({ run: fc.record({ method: operators(texts) }) }),
);
const { filter } = fc.letrec<{ filter: Model }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
}));

const RUNS = [runRow('r1', { method: 'a' }), runRow('r2', { method: 'é' }), runRow('r3')];
const ROWS: Row[] = fc
  .sample(
    fc.record({
      text: fc.option(texts),
      score: fc.option(fc.oneof(numbers, fc.constantFrom(Number.NaN, Infinity, -Infinity))),
      seed: fc.option(integers),
      correct: fc.option(fc.boolean()),
      id: texts,
      run: fc.constantFrom('r1', 'r2', 'r3'),
    }),
    { numRuns: 120, seed: 7 },
  )
  .map(({ text, score, seed, correct, id, run }, i) =>
    predictionRow(run, id, { outcome: text, score_halu: score, seed, correct, source_line: BigInt(i) }),
  );

describe('filters', () => {
  let lake: FakeLake;
  beforeAll(async () => {
    lake = await FakeLake.create({ runs: RUNS, predictions: ROWS });
  });
  afterAll(() => lake.connection.closeSync());

  async function matching(wanted: Model, negated = false): Promise<number[]> {
    const builder = new StatementBuilder(OPTIONS);
    const condition = builder.filter(ENTITIES.Prediction, negated ? { not: wanted } : wanted, 'filter');
    const printer = new Printer(builder.sources.map(({ table }) => `${table}_v0`));
    const where = printer.condition(condition, 't');
    const result = await lake.query(
      `SELECT source_line FROM predictions_v0 t WHERE ${where} ORDER BY source_line`,
      { params: printer.params },
    );
    return result.rows.map(([line]: readonly EngineValue[]) => Number(line));
  }

  it('select exactly the rows that their two-valued meaning selects', async () => {
    const runs = new Map(RUNS.map((row) => [row['run_id'], row]));
    await fc.assert(
      fc.asyncProperty(filter, async (wanted) => {
        const expected = ROWS.filter((row) => matches(row, wanted, runs)).map((row) =>
          Number(row['source_line']),
        );
        expect(await matching(wanted)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('and their negation split the table', async () => {
    await fc.assert(
      fc.asyncProperty(filter, async (wanted) => {
        const both = [...(await matching(wanted)), ...(await matching(wanted, true))].sort((a, b) => a - b);
        expect(both).toEqual(ROWS.map((_, i) => i));
      }),
      { numRuns: 100 },
    );
  });

  it('never prune a file that holds a matching row', async () => {
    const runs = new Map(RUNS.map((row) => [row['run_id'], row]));
    fc.assert(
      fc.property(filter, (wanted) => {
        const prune = pruneOf(new StatementBuilder(OPTIONS).filter(ENTITIES.Prediction, wanted, 'filter'));
        for (const row of ROWS.filter((candidate) => matches(candidate, wanted, runs))) {
          for (const { column, in: values, gte, lte } of prune) {
            const value = row[column];
            if (values) expect(values.some((item) => compare(item, value) === 0)).toBe(true);
            if (gte !== undefined) expect(compare(value, gte)).toBeGreaterThanOrEqual(0);
            if (lte !== undefined) expect(compare(value, lte)).toBeLessThanOrEqual(0);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('name the argument that is wrong', () => {
    const compile = (wanted: Model) => new StatementBuilder(OPTIONS).filter(ENTITIES.Run, wanted, 'filter');
    expect(() => compile({ and: [{}, { seed: { gt: null } }] })).toThrow(BadUserInputError);
    try {
      compile({ and: [{}, { seed: { gt: null } }] });
    } catch (error) {
      expect(error).toMatchObject({ argument: 'filter.and[1].seed.gt' });
    }
    expect(() => compile({ method: { in: new Array(2000).fill('x') } })).toThrow(LimitExceededError);
  });
});

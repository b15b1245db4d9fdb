import { join } from 'node:path';
import { sqlString } from '../../lake/engine/sql-text.ts';
import type { Lake } from '../../lake/lake.ts';
import { generateLake } from '../data/lake.ts';
import { dataFiles, type GraphqlSession, graphqlSession, openLake, withWriter } from '../lakes.ts';
import { interleave, milliseconds, seconds } from '../measure.ts';
import { ReferenceDuckdb } from '../reference-duckdb.ts';
import { dataset } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';
import { type Question, questions } from './scale-questions.ts';

/** Queries at 10,000 runs and 5 million predictions, against the same SQL on one sorted file a table. */
export const graphqlScale: Bench = {
  name: 'graphql-scale',
  doc: 'filter + order + page and aggregateMetrics at 10,000 runs and 5 M predictions',
  async run(context) {
    const { quick, scratch, threads, repetitions, log } = context;
    const size = { runs: quick ? 500 : 10_000, predictions: quick ? 250_000 : 5_000_000 };
    const directory = await dataset(scratch, `scale-${size.runs}-${size.predictions}`, (unfinished) =>
      withWriter(unfinished, threads, (writer) =>
        generateLake(writer, { ...size, generations: 0, activations: 0 }),
      ),
    );
    const lake = await openLake(directory, threads);
    const session = await graphqlSession(lake);
    const duckdb = await ReferenceDuckdb.open(threads);
    try {
      const single = await singleFiles(lake, duckdb, scratch);
      const snapshot = await lake.snapshot();
      const runId = [...snapshot.runs.keys()].sort()[Math.floor(size.runs / 2)] ?? '';
      const outcomes: Outcome[] = [];
      for (const question of questions(runId)) {
        outcomes.push(...(await compare(question, session, duckdb, single, repetitions)));
      }
      log(`${(await dataFiles(lake, 'predictions')).length} files of predictions`);
      return outcomes;
    } finally {
      duckdb.close();
      await session.close();
      await lake.close();
    }
  },
};

/** Copies of the tables as one sorted file each. */
async function singleFiles(
  lake: Lake,
  duckdb: ReferenceDuckdb,
  scratch: string,
): Promise<(name: string) => string> {
  const snapshot = await lake.snapshot();
  const count = snapshot.runs.size;
  const directory = await dataset(scratch, `scale-single-${count}`, async (unfinished) => {
    for (const name of ['runs', 'metrics', 'predictions']) {
      const { sql } = await lake.relation(snapshot, name);
      const order = lake.specs.get(name)?.sortBy.join(', ') ?? 'run_id';
      await duckdb.connection.run(
        `COPY (SELECT * FROM ${sql} ORDER BY ${order}) TO ${sqlString(join(unfinished, `${name}.parquet`))}
         (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
      );
    }
  });
  return (name) => `read_parquet(${sqlString(join(directory, `${name}.parquet`))})`;
}

async function compare(
  question: Question,
  session: GraphqlSession,
  duckdb: ReferenceDuckdb,
  table: (name: string) => string,
  repetitions: number,
): Promise<Outcome[]> {
  const sql = question.sql(table);
  const times = await interleave(
    {
      graphql: () => seconds(() => session.ask(question.graphql, question.variables)),
      sql: () => seconds(() => duckdb.json(sql)),
    },
    { repetitions: 4 * repetitions, warmups: 3 },
  );
  return [
    {
      what: question.name,
      unit: 's',
      ours: times.graphql,
      reference: times.sql,
      against: 'SQL on one file',
      value: times.graphql.median / times.sql.median,
      target: { relation: '<=', value: 2 },
    },
    {
      what: `${question.name}, p50`,
      unit: 'ms',
      ours: milliseconds(times.graphql),
      value: times.graphql.median * 1000,
      target: { relation: '<', value: 50 },
    },
  ];
}

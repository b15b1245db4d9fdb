import { join } from 'node:path';
import { z } from 'zod';
import { sqlString } from '../../lake/engine/sql-text.ts';
import { Exporter } from '../../lake/export/exporter.ts';
import type { Lake } from '../../lake/lake.ts';
import { activationLake } from '../data/activation-lake.ts';
import { writeContractRun } from '../data/contract-run.ts';
import { dataFiles, graphqlSession, ingestClean, openLake, withWriter } from '../lakes.ts';
import { interleave, rates, seconds } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { dataset, ROOT } from '../scratch.ts';
import type { Bench, BenchContext, Outcome } from '../types.ts';

const read = z.object({ seconds: z.number(), rows: z.int() });

/** The same statement as Arrow, as JSON through GraphQL, and in DuckDB for Python. */
async function measure(
  context: BenchContext,
  lake: Lake,
  name: string,
  table: string,
  columns: string,
  rows: number,
): Promise<Outcome[]> {
  const sql = `SELECT ${columns} FROM ${table} LIMIT ${rows}`;
  const session = await graphqlSession(lake, { rows });
  const exporter = new Exporter(lake);
  const python = new PythonWorker(join(ROOT, 'bench/python/duckdb_to_arrow.py'), [String(context.threads)]);
  const files = (await dataFiles(lake, table)).map(sqlString).join(', ');
  let bytes = 0;
  try {
    const times = await interleave(
      {
        arrow: () =>
          seconds(async () => {
            const snapshot = await lake.snapshot();
            const result = await exporter.open({ snapshot, sql, format: 'arrow-stream' });
            for await (const _ of result);
            if (result.summary.rows !== rows) throw new Error(`${result.summary.rows} rows left`);
            bytes = result.summary.bytes;
          }),
        json: () =>
          seconds(async () => {
            const text = await session.ask(
              'query ($sql: String!, $rows: Int!) { sql(query: $sql, maxRows: $rows) { rows rowCount } }',
              { sql, rows },
            );
            // Parsing is the client's work, on either side.
            const left = Number(/"rowCount":(\d+)/.exec(text.slice(text.lastIndexOf('"rowCount":')))?.[1]);
            if (left !== rows) throw new Error(`${left} rows left`);
          }),
        python: async () =>
          read.parse(await python.ask({ sql: sql.replace(`FROM ${table}`, `FROM read_parquet([${files}])`) }))
            .seconds,
      },
      { repetitions: context.repetitions },
    );
    const megabytes = bytes / 1e6;
    return [
      {
        what: `${rows} ${name} as Arrow`,
        unit: 'MB/s',
        ours: rates(times.arrow, megabytes),
        reference: rates(times.json, megabytes),
        against: 'JSON through GraphQL',
        value: times.arrow.median / times.json.median,
        target: { relation: '<', value: 0.2 },
        note: `time as a share of JSON's; SHA-256 included; ${megabytes.toFixed(0)} MB`,
      },
      {
        what: `${rows} ${name} as Arrow`,
        unit: 'MB/s',
        ours: rates(times.arrow, megabytes),
        reference: rates(times.python, megabytes),
        against: 'DuckDB to pyarrow in one process',
        value: times.arrow.median / times.python.median,
      },
    ];
  } finally {
    await python.close();
    await session.close();
  }
}

export const exportRows: Bench = {
  name: 'export',
  doc: 'generations and activations as Arrow, against JSON and against DuckDB in Python',
  async run(context) {
    const { quick, scratch, threads } = context;
    const count = quick ? 20_000 : 200_000;
    const tree = await dataset(scratch, `text-${count}`, (directory) =>
      writeContractRun(directory, count, false),
    );
    const directory = await dataset(scratch, `export-lake-${count}`, async (unfinished) => {
      await withWriter(unfinished, threads, (writer) => ingestClean(writer, tree));
    });
    const texts = await openLake(directory, threads);
    const { lake: vectors } = await activationLake(context);
    try {
      return [
        ...(await measure(context, texts, 'generations', 'generations', '*', count)),
        ...(await measure(
          context,
          vectors,
          'activations of 1,024',
          'activations',
          'example_id, layer, token_index, vector',
          quick ? 2_000 : 20_000,
        )),
      ];
    } finally {
      await texts.close();
      await vectors.close();
    }
  },
};

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { sqlString } from '../../lake/engine/sql-text.ts';
import { generatedRun, writeContractRun } from '../data/contract-run.ts';
import { ingestClean, withWriter } from '../lakes.ts';
import { cpuSeconds, interleave, rates, seconds, spread } from '../measure.ts';
import { dataset, emptied } from '../scratch.ts';
import type { Bench } from '../types.ts';

/** Ingest of generations and predictions, validation on, against DuckDB's own conversion of the same files. */
export const ingestText: Bench = {
  name: 'ingest-text',
  doc: 'generations.jsonl and predictions.csv into the lake, against DuckDB COPY',
  async run({ quick, repetitions, threads, scratch, log }) {
    const count = quick ? 20_000 : 200_000;
    const tree = await dataset(scratch, `text-${count}`, (directory) =>
      writeContractRun(directory, count, false),
    );
    const { run } = generatedRun(tree);
    const [generations, predictions] = [join(run, 'generations.jsonl'), join(run, 'predictions.csv')];
    const bytes = (await stat(generations)).size + (await stat(predictions)).size;
    log(`${count} generations, ${(bytes / 1e6).toFixed(0)} MB of text`);
    const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) });
    const connection = await instance.connect();
    const out = await emptied(join(scratch, 'text-reference'));
    const copy = async () => {
      for (const [name, source] of [
        ['generations', `read_json(${sqlString(generations)})`],
        ['predictions', `read_csv(${sqlString(predictions)})`],
      ] as const) {
        const target = sqlString(join(out, `${name}.parquet`));
        await connection.run(
          `COPY (SELECT * FROM ${source}) TO ${target} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
        );
      }
    };
    const cpu = { ours: [] as number[], copy: [] as number[] };
    const ours = async () => {
      const lake = await emptied(join(scratch, 'text-lake'));
      return withWriter(lake, threads, (writer) =>
        seconds(async () => {
          cpu.ours.push(await cpuSeconds(() => ingestClean(writer, tree)));
        }),
      );
    };
    const reference = () =>
      seconds(async () => {
        cpu.copy.push(await cpuSeconds(copy));
      });
    const times = await interleave({ ours, copy: reference }, { repetitions });
    connection.closeSync();
    instance.closeSync();
    return [
      {
        what: 'ingest of generations and predictions',
        unit: 'MB/s',
        ours: rates(times.ours, bytes / 1e6),
        reference: rates(times.copy, bytes / 1e6),
        against: 'DuckDB COPY',
        value: times.copy.median / times.ours.median,
        target: { relation: '>=', value: 0.7 },
        note: `CPU ${spread(cpu.ours).median.toFixed(1)} s against ${spread(cpu.copy).median.toFixed(1)} s; ours hashes the content, checks every field and link, sorts and commits`,
      },
    ];
  },
};

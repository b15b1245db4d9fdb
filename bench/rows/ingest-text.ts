import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { sqlString } from '../../lake/parquet/file-name.ts';
import { generatedRun, writeContractRun } from '../data/contract-run.ts';
import { ingestClean, withWriter } from '../lakes.ts';
import { interleave, seconds } from '../measure.ts';
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
    const ours = async () => {
      const lake = await emptied(join(scratch, 'text-lake'));
      return withWriter(lake, threads, (writer) => seconds(() => ingestClean(writer, tree)));
    };
    const times = await interleave({ ours, copy: () => seconds(copy) }, { repetitions });
    connection.closeSync();
    instance.closeSync();
    const rate = (s: number) => bytes / 1e6 / s;
    const inRates = ({ median, min, max, samples }: (typeof times)['ours']) => ({
      median: rate(median),
      min: rate(max),
      max: rate(min),
      samples: samples.map(rate),
    });
    return [
      {
        what: 'ingest of generations and predictions',
        unit: 'MB/s',
        ours: inRates(times.ours),
        reference: inRates(times.copy),
        against: 'DuckDB COPY',
        value: times.copy.median / times.ours.median,
        target: { relation: '>=', value: 0.7 },
        note: 'ours reads the files twice (content hash), checks every field and link, sorts and commits',
      },
    ];
  },
};

import type { z } from 'zod';
import { FV_INJECTION_TRIALS, FV_INJECTIONS } from '../../../lake/tables/fv.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { GENERATIONS } from '../../../lake/tables/tables.ts';
import { additionSchema, additionTrialSchema } from '../../contracts/fv/additions.ts';
import { rowMaker } from './cells.ts';
import type { Examples } from './examples.ts';
import { compareScores, ExampleMeans, scoresOf } from './injection-scores.ts';
import type { FvRun } from './run.ts';
import { recordsOf } from './valid-records.ts';

type Evaluated = Pick<
  z.output<typeof additionSchema>,
  'q_id' | 'query_set' | 'vector_kind' | 'draw' | 'source_q_id' | 'layer'
>;

const toRow = rowMaker(FV_INJECTIONS);
const toTrialRow = rowMaker(FV_INJECTION_TRIALS);

/** One vector at one layer on one set of examples. */
function keyOf({ q_id, query_set, vector_kind, draw, source_q_id, layer }: Evaluated): string {
  return JSON.stringify([q_id, query_set, vector_kind, draw, source_q_id, layer]);
}

/**
 * Reads what Runlake evaluates beyond the contract (`runlake/`): controls and held-out examples, into the tables that have the
 * function vector's own injections. They are no predictions of the run.
 */
export async function readAdditions(run: FvRun, examples: Examples): Promise<void> {
  const means = await readTrials(run, examples);
  const seen = new Set<string>();
  const of = { role: 'additions', schema: additionSchema } as const;
  for await (const { file, records } of recordsOf(run, of)) {
    const rows: Row[] = [];
    for (const { data, value, line } of records) {
      const key = keyOf(data);
      if (isRepeated(run, seen, key, file, line)) continue;
      const recomputed = means.get(key)?.scores;
      if (recomputed !== undefined) compareScores(run.log, { file, line }, scoresOf(value), recomputed);
      rows.push({ ...toRow(value), q_id: data.q_id ?? run.qId });
    }
    if (rows.length > 0) await run.sink.rows(FV_INJECTIONS, rows);
  }
}

async function readTrials(run: FvRun, examples: Examples): Promise<Map<string, ExampleMeans>> {
  const means = new Map<string, ExampleMeans>();
  const seen = new Set<string>();
  const of = { role: 'addition-trials', schema: additionTrialSchema } as const;
  for await (const { file, records } of recordsOf(run, of)) {
    const generations: Row[] = [];
    const rows: Row[] = [];
    for (const { data, value, line } of records) {
      const key = keyOf(data);
      if (isRepeated(run, seen, `${key} ${data.idx}`, file, line)) continue;
      const known = means.get(key) ?? new ExampleMeans();
      known.add(value);
      means.set(key, known);
      const qId = data.q_id ?? run.qId;
      const { id, row } = examples.of(qId, data.prompt, data.answer);
      if (row !== undefined) generations.push(row);
      rows.push({ ...toTrialRow(value), q_id: qId, example_id: id, source_line: line });
    }
    if (generations.length > 0) await run.sink.rows(GENERATIONS, generations);
    if (rows.length > 0) await run.sink.rows(FV_INJECTION_TRIALS, rows);
  }
  return means;
}

function isRepeated(run: FvRun, seen: Set<string>, key: string, file: string, line: number): boolean {
  const repeated = seen.has(key);
  seen.add(key);
  if (repeated) {
    const message = 'the same vector, layer and example again; the first line counts';
    run.log.record({ code: 'DUPLICATE_TRIAL', file, line, message });
  }
  return repeated;
}

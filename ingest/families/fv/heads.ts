import { FV_HEADS } from '../../../lake/tables/fv.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { HEAD_SCORES, headScoreSchema } from '../../contracts/fv/head-score.ts';
import type { TopHeads } from '../../contracts/fv/top-heads.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { readJsonRecords } from '../../run-files/records.ts';
import { readCsv } from '../../run-files/table.ts';
import type { Attributions } from './attribution.ts';
import { csvValue, rowMaker } from './cells.ts';
import { type HeadPlace, headKey, rankHeads } from './ranking.ts';
import { type FvRun, sameNumber } from './run.ts';
import { validated } from './validated.ts';

/** Heads of a file beyond this many are a mistake: the largest models have some ten thousand. */
const MAX_HEADS = 2_000_000;
/** Rows handed to the lake at a time. */
export const BATCH = 4096;

/** Scores of one head in one file. */
export interface HeadScores extends HeadPlace {
  readonly qId: string | null;
  readonly nTrials: number | null;
  readonly line: number;
  readonly scores: ReadonlyMap<string, number>;
  /** The row of `fv_heads` without what other files tell. */
  readonly row: Row;
}

/** The head scores of one file. */
export interface HeadTable {
  readonly file: string;
  /** Whether it is the resume file of a sweep that had not ended. */
  readonly partial: boolean;
  readonly heads: readonly HeadScores[];
}

const toRow = rowMaker(FV_HEADS);
const TYPES = new Map(FV_HEADS.columns.map(({ name, type }) => [name, type]));

/** Collects the records of a file; violations are issues about records. */
function collector(run: FvRun, file: string, partial: boolean) {
  const heads: HeadScores[] = [];
  const seen = new Set<string>();
  let full = false;
  return {
    heads,
    add(record: JsonValue, line: number): void {
      const data = validated(headScoreSchema, record, { file, line }, (issue) => run.log.record(issue));
      if (data === undefined || !isJsonObject(record)) return;
      if (heads.length === MAX_HEADS) {
        if (!full)
          run.log.run({ code: 'TOO_MANY_HEADS', file, line, message: `more than ${MAX_HEADS} heads` });
        full = true;
        return;
      }
      const { layer, head } = data;
      const qId = data.q_id ?? run.qId;
      const key = `${headKey(data)} ${qId ?? ''}`;
      if (seen.has(key)) {
        const message = `head ${head} of layer ${layer} occurs again; the first row counts`;
        run.log.record({ code: 'DUPLICATE_HEAD', file, line, message });
        return;
      }
      seen.add(key);
      const scores = new Map<string, number>();
      for (const name of HEAD_SCORES) {
        const value = asNumber(record[name]);
        if (value !== undefined) scores.set(name, value);
      }
      const any = data.any_nonzero;
      const row = {
        ...toRow(record),
        q_id: qId,
        // A mean over relation queries of flags is a number.
        any_nonzero: any === null || any === undefined ? null : Boolean(any),
        partial,
        source_line: line,
      };
      heads.push({ layer, head, qId, nTrials: data.n_trials ?? null, line, scores, row });
    },
  };
}

/** Reads `cie_scores.csv` or `aie_scores.csv`, by the names in its header: files of different age order them differently. */
export async function readScores(run: FvRun, file: string): Promise<HeadTable> {
  const object = run.files.get(file);
  const found = collector(run, file, false);
  let checked = false;
  for await (const { header, records } of object === undefined
    ? []
    : readCsv(run.context, object, file, run.log)) {
    if (!checked && !checkHeader(run, file, header)) break;
    checked = true;
    for (const { line, fields } of records) {
      const record: JsonObject = {};
      header.forEach((name, i) => {
        record[name] = csvValue(TYPES.get(name), fields[i] ?? '');
      });
      found.add(record, line);
    }
  }
  return { file, partial: false, heads: found.heads };
}

/** Whether rows below such a header can be told apart; other columns that are missing are a warning. */
function checkHeader(run: FvRun, file: string, header: readonly string[]): boolean {
  const names = new Set(header);
  const missing = HEAD_SCORES.filter((name) => !names.has(name));
  const required = ['layer', 'head'].filter((name) => !names.has(name));
  if (required.length > 0 || missing.length === HEAD_SCORES.length) {
    const absent = required.length > 0 ? required.join(' and ') : 'every score';
    const message = `no column for ${absent}; expected layer, head and scores such as mean_delta_p`;
    run.log.run({ code: 'MISSING_COLUMN', file, line: 1, message });
    return false;
  }
  if (missing.length > 0) {
    const message = `no column ${missing.join(', ')}; its cells are null`;
    run.log.warn({ code: 'MISSING_COLUMN', file, line: 1, message });
  }
  if (names.size < header.length) {
    const message = 'a column name occurs twice; the last column of a name counts';
    run.log.warn({ code: 'DUPLICATE_COLUMN', file, line: 1, message });
  }
  return true;
}

/** Reads `_resume/aie_scores.resume.jsonl`: the heads that an unfinished sweep had done. */
export async function readResumedScores(run: FvRun, file: string): Promise<HeadTable> {
  const object = run.files.get(file);
  const found = collector(run, file, true);
  if (object !== undefined) {
    for await (const records of readJsonRecords(run.context, object, file, run.log)) {
      for (const { value, line, damaged } of records) if (!damaged) found.add(value, line);
    }
  }
  return { file, partial: true, heads: found.heads };
}

function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** The plain mean over relation queries of each score: the average indirect effect (AIE). */
export function averageOverQueries(heads: readonly HeadScores[]): HeadScores[] {
  return [...groupBy(heads, headKey).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    const scores = new Map<string, number>();
    for (const name of HEAD_SCORES) {
      let sum = 0;
      for (const head of group) sum += head.scores.get(name) ?? Number.NaN;
      scores.set(name, sum / group.length);
    }
    return { ...first, qId: null, scores };
  });
}

/** Says where `aie_scores.csv` is not the mean over relation queries of `cie_scores.csv`. */
export function compareAverages(run: FvRun, cie: HeadTable, aie: HeadTable): void {
  const expected = new Map(averageOverQueries(cie.heads).map((head) => [headKey(head), head]));
  for (const { line, layer, head, scores } of aie.heads) {
    const known = expected.get(headKey({ layer, head }));
    expected.delete(headKey({ layer, head }));
    const wrong = HEAD_SCORES.find(
      (name) =>
        known === undefined ||
        (scores.has(name) &&
          known.scores.has(name) &&
          !sameNumber(scores.get(name)!, known.scores.get(name)!)),
    );
    if (wrong === undefined) continue;
    const message =
      known === undefined
        ? `head ${head} of layer ${layer} is not in ${cie.file}`
        : `${wrong} of head ${head} of layer ${layer} is ${scores.get(wrong)}; ${cie.file} gives ${known.scores.get(wrong)}`;
    run.log.warn({ code: 'AIE_MISMATCH', file: aie.file, line, message });
  }
  if (expected.size > 0) {
    const message = `${expected.size} heads of ${cie.file} are missing here`;
    run.log.warn({ code: 'AIE_MISMATCH', file: aie.file, message });
  }
}

/** Says where `top_heads.json` does not name the best heads in rank order. */
export function compareTopHeads(
  run: FvRun,
  file: string,
  top: TopHeads,
  ranked: readonly HeadScores[],
  scoreKey: string,
): void {
  const warn = (index: number, message: string) =>
    run.log.warn({ code: 'TOP_HEADS_MISMATCH', file, pointer: `/heads/${index}`, message });
  for (const [i, { layer, head, rank_score: score }] of top.heads.entries()) {
    const expected = ranked[i];
    if (expected === undefined) {
      warn(i, `only ${ranked.length} heads have a ${scoreKey}; ${top.heads.length} are named`);
      return;
    }
    if (expected.layer !== layer || expected.head !== head) {
      warn(
        i,
        `rank ${i + 1} is head ${head} of layer ${layer}; by ${scoreKey} it is head ${expected.head} of layer ${expected.layer}`,
      );
      return;
    }
    const rankScore = asNumber(score ?? undefined);
    const value = expected.scores.get(scoreKey);
    if (rankScore !== undefined && value !== undefined && !sameNumber(rankScore, value)) {
      warn(i, `rank_score is ${rankScore}; the ${scoreKey} of the head is ${value}`);
      return;
    }
  }
}

/** Emits the rows of `fv_heads`: every head with its rank among those of the same relation query. */
export async function emitHeads(
  run: FvRun,
  { heads }: HeadTable,
  scoreKey: string,
  top: TopHeads | undefined,
  attributions: Attributions,
): Promise<void> {
  const rank = new Map<HeadScores, number>();
  for (const group of groupBy(heads, ({ qId }) => qId).values()) {
    rankHeads(group, ({ scores }) => scores.get(scoreKey)).forEach((head, i) => {
      rank.set(head, i + 1);
    });
  }
  const selected = top === undefined ? undefined : new Set(top.heads.map(headKey));
  for (let at = 0; at < heads.length; at += BATCH) {
    const rows = heads.slice(at, at + BATCH).map((head) => ({
      ...head.row,
      ...attributions.ofHead(head, head.qId),
      rank: rank.get(head) ?? null,
      selected: selected === undefined ? null : selected.has(headKey(head)),
    }));
    await run.sink.rows(FV_HEADS, rows);
  }
}

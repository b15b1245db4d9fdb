import type { LakeReader, LakeSnapshot, QueryOptions } from '../../../lake/engine/types.ts';
import { RunlakeError } from '../../../lake/errors.ts';
import { RUNS } from '../../../lake/tables/tables.ts';
import { queryRows, text, textList, textOrNull } from '../query.ts';

/** A name that no ChaosBench run has, or more than one. */
export class RunNotFoundError extends RunlakeError {
  readonly code = 'RUN_NOT_FOUND';
}

/** What the lake knows of a ChaosBench run and its artifacts. */
export interface KnownRun {
  readonly runId: string;
  readonly sourceUri: string;
  readonly contentSha256: string;
  readonly verdict: string | null;
  readonly verdictReasons: readonly string[];
}

/**
 * The ChaosBench run that a name means: its run id, or the end of it from a slash on, which the artifact's own run id
 * is. Undefined when there is none.
 * @throws RunNotFoundError when the name fits several runs, or is that of a run of another family
 */
export async function findRun(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  name: string,
  options: QueryOptions = {},
): Promise<KnownRun | undefined> {
  const rows = await queryRows(
    reader,
    snapshot,
    [{ table: RUNS.name }],
    ([runs]) => `SELECT run_id, source_uri, content_sha256, verdict, verdict_reasons, family FROM ${runs}
      WHERE run_id = $1 OR (family = 'CHAOSBENCH' AND ends_with(run_id, '/' || $1)) ORDER BY run_id`,
    { ...options, params: [name.toWellFormed()] },
  );
  const exact = rows.find((row) => row['run_id'] === name);
  if (exact !== undefined && exact['family'] !== 'CHAOSBENCH') {
    throw new RunNotFoundError(`${name} is a run of the family ${text(exact['family'])}`, {
      expected: 'a run of the family CHAOSBENCH',
    });
  }
  if (exact === undefined && rows.length > 1) {
    throw new RunNotFoundError(`${rows.length} runs of the lake end with ${name}`, {
      expected: `one of ${rows.map((row) => text(row['run_id'])).join(', ')}`,
    });
  }
  const row = exact ?? rows[0];
  if (row === undefined) return undefined;
  return {
    runId: text(row['run_id']),
    sourceUri: text(row['source_uri']),
    contentSha256: text(row['content_sha256']),
    verdict: textOrNull(row['verdict']),
    verdictReasons: textList(row['verdict_reasons']),
  };
}

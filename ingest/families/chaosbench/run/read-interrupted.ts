import { METRICS } from '../../../../lake/tables/tables.ts';
import { absolutePath } from '../../../discovery/path.ts';
import type { ReadContext, RunCandidate, RunSink, RunSummary } from '../../../family.ts';
import { issueLog } from '../../../run-files/issue-log.ts';
import { manifestJson } from '../../../run-files/manifest-json.ts';
import { attachmentList, runFiles } from '../../../run-files/run-files.ts';
import { CHECKPOINT_FILE } from '../files.ts';
import { readCheckpoint } from './answers.ts';
import { columnsOfRows, runColumns } from './columns.ts';
import { overallRow, recomputedRows } from './metric-rows.ts';

/**
 * Reads a run that left nothing but its checkpoint: it is under way, or was interrupted. Lines that a resumed run would
 * pass over are no reason to reject it.
 */
export async function readInterrupted(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const log = issueLog(sink, { lenient: true });
  const name = absolutePath(context.tree.store.uri, candidate.root).at(-1) ?? '';
  const object = runFiles(candidate).get(CHECKPOINT_FILE)!;
  const source = { object, file: CHECKPOINT_FILE, run: columnsOfRows(undefined, name) };
  const { answers, superseded, retriedOnResume } = await readCheckpoint(source, sink, context, log);
  await sink.rows(METRICS, [
    ...recomputedRows(answers),
    overallRow('would_be_retried_on_resume', retriedOnResume),
  ]);
  if (superseded > 0) {
    log.info({
      code: 'SUPERSEDED_RECORD',
      file: CHECKPOINT_FILE,
      message: `${superseded} records have a later one of the same id, which counts`,
    });
  }
  log.info({
    code: 'INTERRUPTED_RUN',
    file: CHECKPOINT_FILE,
    message: `no results yet: ${answers.tally.overall.total} items are answered, of which a resumed run would ask ${retriedOnResume} again`,
  });
  log.finish();
  const attachments = attachmentList(candidate);
  return {
    accepted: !log.rejected,
    columns: runColumns({
      name,
      status: 'partial',
      manifest: undefined,
      recorded: undefined,
      verdict: undefined,
      totalItems: undefined,
      manifestJson: manifestJson(undefined, attachments.length === 0 ? {} : { attachments }),
    }),
  };
}

import { METRICS } from '../../../../lake/tables/tables.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import { absolutePath, relativeKey } from '../../../discovery/path.ts';
import type { ReadContext, RunCandidate, RunSink, RunSummary } from '../../../family.ts';
import { type IssueLog, issueLog } from '../../../run-files/issue-log.ts';
import { manifestJson } from '../../../run-files/manifest-json.ts';
import { attachmentList, runFiles } from '../../../run-files/run-files.ts';
import { MANIFEST_FILE } from '../files.ts';
import { judge } from '../policy/index.ts';
import { type ProjectKnowledge, Projects } from '../project/knowledge.ts';
import { type AnswerSummary, readRunAnswers } from './answers.ts';
import { columnsOfRows, runColumns } from './columns.ts';
import { countMismatches, type Mismatch, metricMismatches } from './compare.ts';
import { Deviations } from './deviations.ts';
import { predictionsFile, readDocuments } from './documents.ts';
import { otherMembers, recomputedRows, reportedRows } from './metric-rows.ts';

/** Reads a run that has ended, or its published copy; see `Family.read`. */
export async function readRun(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const log = issueLog(sink, context);
  const files = runFiles(candidate);
  const published = candidate.kind === 'published';
  const directory = absolutePath(context.tree.store.uri, candidate.root).at(-1) ?? '';
  const { manifest, metrics, receipt } = await readDocuments(files, directory, published, context, log);
  const name = manifest.checked?.run_id ?? directory;
  if (metrics !== undefined) await sink.rows(METRICS, reportedRows(metrics));

  const file = predictionsFile(files, published, receipt.checked, log);
  const deviations = new Deviations();
  let answers: AnswerSummary | undefined;
  if (file !== undefined) {
    const run = columnsOfRows(manifest.checked, name);
    const source = { object: files.get(file)!, file, run };
    answers = await readRunAnswers(source, sink, context, log, deviations);
    await sink.rows(METRICS, recomputedRows(answers));
  }
  const planned = manifest.checked?.total_items_evaluated;
  const counted = answers?.lines ?? metrics?.['total'];
  if (planned !== undefined && counted !== undefined && Number(planned) !== Number(counted)) {
    deviations.add({
      code: 'ITEM_COUNT_MISMATCH',
      file: file ?? MANIFEST_FILE,
      message: `${counted} items; expected ${planned}, total_items_evaluated of ${MANIFEST_FILE}`,
    });
  }
  const mismatches = compareMetrics(metrics, answers, context);
  deviations.settle(log, mismatches?.length === 0);
  for (const mismatch of mismatches ?? []) {
    // With a bad record left out on request the numbers need not agree any more.
    if (answers?.complete === false) log.warn(mismatch);
    else log.run(mismatch);
  }

  const knowledge = await Projects.of(context.tree).knowledge(
    candidate.root,
    manifest.checked?.git_commit ?? null,
    context.signal,
  );
  if (manifest.checked !== undefined) reportProject(knowledge, candidate, log);
  log.finish();
  const attachments = attachmentList(candidate);
  const others = metrics === undefined ? undefined : otherMembers(metrics);
  return {
    accepted: !log.rejected,
    columns: runColumns({
      name,
      status: 'completed',
      manifest: manifest.checked,
      recorded: manifest.recorded,
      verdict: manifest.checked === undefined ? undefined : judge(manifest.checked, knowledge),
      totalItems: knowledge.totalItems,
      manifestJson: manifestJson(manifest.recorded, {
        ...(receipt.recorded === undefined ? {} : { publish_receipt: receipt.recorded }),
        ...(others === undefined ? {} : { metrics: others }),
        ...(attachments.length === 0 ? {} : { attachments }),
      }),
    }),
  };
}

/**
 * Where the reported metrics are not those of the answers; undefined when they cannot be compared. Without predictions
 * the metrics are compared with their own counts.
 */
function compareMetrics(
  metrics: JsonObject | undefined,
  answers: AnswerSummary | undefined,
  { lenient }: ReadContext,
): readonly Mismatch[] | undefined {
  if (metrics === undefined) return undefined;
  if (answers === undefined) return countMismatches(metrics);
  // A bad record was reported; what follows from it need not be.
  return answers.complete || lenient ? metricMismatches(metrics, answers.tally) : undefined;
}

/** What is wrong with the files of the project, told from the run. */
function reportProject({ issues }: ProjectKnowledge, { root }: RunCandidate, log: IssueLog): void {
  for (const issue of issues) {
    log.add(issue.file === undefined ? issue : { ...issue, file: relativeKey(root, issue.file) });
  }
}

import { absolutePath } from '../../../discovery/path.ts';
import type { ReadContext, RunCandidate, RunSink, RunStatus, RunSummary } from '../../../family.ts';
import { type IssueLog, issueLog } from '../../../run-files/issue-log.ts';
import { manifestJson } from '../../../run-files/manifest-json.ts';
import { runColumns } from '../../../run-files/run-columns.ts';
import { attachmentList } from '../../../run-files/run-files.ts';
import { isDamage } from '../contract-run/activation-link.ts';
import { candidateStores } from '../stores/referenced.ts';
import { type CaptureSummary, readCaptureTexts } from './capture-texts.ts';
import { readStoreTexts } from './store-texts.ts';

/** Reads a capture directory, or an activation store that no run refers to, as a run without predictions. */
export async function readCapture(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const log = issueLog(sink, context);
  const summary = await readTexts(candidate, sink, context, log);
  const directories = absolutePath(context.tree.store.uri, candidate.root);
  const [ref] = await candidateStores(candidate, context);
  if (ref !== undefined && !log.rejected) {
    for (const issue of (await sink.store(ref)).issues) {
      log.add(issue.severity === 'error' ? { ...issue, severity: 'warning' } : issue);
    }
  }
  log.finish();
  const attachments = attachmentList(candidate);
  const status: RunStatus = summary === undefined ? 'partial' : summary.status;
  return {
    accepted: !log.rejected,
    columns: runColumns({
      model_id: summary?.modelId ?? null,
      benchmark: summary?.benchmark ?? directories.at(-2) ?? null,
      created_at: summary?.createdAt ?? null,
      status,
      config: summary?.config ?? null,
      manifest: manifestJson(undefined, {
        layout: candidate.kind,
        ...(attachments.length === 0 ? {} : { attachments }),
      }),
    }),
  };
}

async function readTexts(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
): Promise<CaptureSummary | undefined> {
  try {
    return candidate.kind === 'capture'
      ? await readCaptureTexts(candidate, sink, context, log)
      : await readStoreTexts(candidate, sink, context, log);
  } catch (error) {
    if (!isDamage(error)) throw error;
    log.run({ code: 'ACTIVATION_STORE_UNREADABLE', file: candidate.root, message: error.message });
    return undefined;
  }
}

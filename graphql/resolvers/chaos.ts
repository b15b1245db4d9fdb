import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Info, Mutation, Query, Resolver } from 'type-graphql';
import { AUDITED_TABLES, type Audit, auditFiles, auditRuns } from '../../compute/tasks/chaos/audit/audit.ts';
import { familyInterval } from '../../compute/tasks/chaos/audit/baselines.ts';
import { type AuditRun, exclusion, type FamilyScores } from '../../compute/tasks/chaos/audit/model.ts';
import { auditSummary } from '../../compute/tasks/chaos/audit/summary.ts';
import type { PublishResult } from '../../compute/tasks/chaos/publish/publish.ts';
import type { ConfusionScores } from '../../ingest/families/chaosbench/metrics/index.ts';
import type { RequestContext } from '../context.ts';
import { NotAvailableError } from '../errors.ts';
import { argumentsOf, asOfArgument, compileOptions, withSources } from '../plan/execute.ts';
import { inTime } from '../plan/in-time.ts';
import { filteredRunIds } from '../plan/run-ids.ts';
import {
  ChaosAudit,
  type ChaosAuditRun,
  type ChaosConfusion,
  type ChaosFamily,
} from '../types/chaos-audit.ts';
import { AsOfInput, FILTERS } from '../types/inputs.ts';
import { PublishInput, PublishReceipt } from '../types/publish.ts';

@Resolver()
export class ChaosResolver {
  @Query(() => ChaosAudit, {
    description:
      'Audits the ChaosBench runs that the filter leaves: scores, paper tables, and what could have gone wrong, all computed from their rows.',
  })
  async chaosAudit(
    @Arg('filter', () => FILTERS.Run, { nullable: true }) _filter: unknown,
    @Arg('asOf', () => AsOfInput, { nullable: true }) _asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ChaosAudit> {
    const args = argumentsOf(info);
    const snapshot = await context.snapshots.at(asOfArgument(args));
    const options = compileOptions(context.limits, info);
    const runIds = await filteredRunIds(context, snapshot, options, 'CHAOSBENCH', args['filter']);
    const prune = [{ column: 'run_id', in: runIds }];
    const sources = AUDITED_TABLES.map((table) => ({ table, prune }));
    // The files are held until the audit is done, so that its many looks at them fetch none twice.
    const audit = await withSources(context, snapshot, sources, () =>
      inTime(context, (limits) => auditRuns(context.reader, snapshot, { runIds }, limits)),
    );
    return auditAnswer(audit);
  }

  @Mutation(() => PublishReceipt, {
    description:
      'Copies the lightweight artifacts of a ChaosBench run into a tree of published runs and brings its index up to date.',
  })
  async publishRun(
    @Arg('input', () => PublishInput) input: PublishInput,
    @Ctx() context: RequestContext,
  ): Promise<PublishReceipt> {
    const { publisher, addresses, signal } = context;
    if (publisher === undefined) {
      throw new NotAvailableError('publishRun is not possible on this server', {
        remedy: 'start the server in write mode',
      });
    }
    const { runId, name, ...request } = input;
    const out = (await addresses?.writable('input.out', input.out)) ?? input.out;
    // Whoever may not name any directory publishes what was ingested.
    const onlyIngested = addresses !== undefined;
    return receiptAnswer(
      await publisher.publish(
        { ...request, out, run: runId, name: name ?? undefined, onlyIngested },
        { signal },
      ),
    );
  }
}

function auditAnswer(audit: Audit): ChaosAudit {
  return {
    snapshot: audit.snapshot,
    runs: audit.runs.map(runAnswer),
    checks: audit.checks,
    baselines: audit.baselines.map(({ runId }) => runId),
    summary: auditSummary(audit),
    documents: [...auditFiles(audit)].map(([name, text]) => ({ name, text })),
  };
}

function runAnswer(run: AuditRun): ChaosAuditRun {
  const { runId, id, provider, model, status, verdict, failed, flags, scores } = run;
  return {
    runId,
    id,
    provider,
    model,
    status,
    verdict,
    failedCriteria: failed,
    flags,
    excluded: exclusion(run) ?? null,
    hasAnswers: run.evidence !== undefined,
    total: scores?.total ?? null,
    valid: scores?.valid ?? null,
    coverage: scores?.coverage ?? null,
    accuracyValid: scores?.accuracy_valid ?? null,
    effectiveAccuracy: scores?.effective_accuracy ?? null,
    balancedAccuracy: scores?.balanced_accuracy ?? null,
    mcc: scores?.mcc ?? null,
    confusion: confusionAnswer(run.confusion),
    families: run.families.map(familyAnswer),
  };
}

function familyAnswer(family: FamilyScores): ChaosFamily {
  const [wilsonLow, wilsonHigh] = familyInterval(family) ?? [null, null];
  const { accuracy_valid: accuracyValid, confusion, ...counts } = family;
  return { ...counts, accuracyValid, wilsonLow, wilsonHigh, confusion: confusionAnswer(confusion) };
}

function confusionAnswer(confusion: ConfusionScores | undefined): ChaosConfusion | null {
  if (confusion === undefined) return null;
  const { tp, fp, tn, fn, tpr, tnr, mcc } = confusion;
  return {
    tp,
    fp,
    tn,
    fn,
    tpr,
    tnr,
    mcc,
    balancedAccuracy: confusion.balanced_accuracy,
    biasScore: confusion.bias_score,
    biasVerdict: confusion.bias_verdict,
    dominantLabel: confusion.dominant_label,
  };
}

function receiptAnswer({ status, runId, uri, receipt }: PublishResult): PublishReceipt {
  return {
    status,
    runId,
    uri,
    publishedUtc: receipt.published_utc,
    verdict: receipt.verdict,
    verdictReasons: receipt.verdict_reasons,
    artifactsCopied: receipt.artifacts_copied,
    artifactsSkipped: receipt.artifacts_skipped,
    compressPredictions: receipt.compress_predictions,
    artifacts: receipt.artifacts.map(({ content_sha256: contentSha256 = null, ...artifact }) => ({
      ...artifact,
      contentSha256,
    })),
  };
}

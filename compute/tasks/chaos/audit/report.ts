import {
  BIAS_SCORE_LIMIT,
  CLASS_RATE_LIMIT,
  type ConfusionScores,
} from '../../../../ingest/families/chaosbench/metrics/index.ts';
import { fixed } from '../fixed.ts';
import { counted, grouped, markdownCell, markdownCode, markdownTable } from '../markdown.ts';
import type { Audit } from './audit.ts';
import { type Baseline, baselinesMarkdown, familyInterval } from './baselines.ts';
import type { CheckOutcome } from './checks/index.ts';
import { fingerprintGroups } from './fingerprints.ts';
import { type AuditRun, exclusion, type FamilyScores } from './model.ts';
import { throughput } from './summary.ts';

const NONE = '—';

/** Runs that a line of the checklist names before it counts the rest. */
const MAX_NAMED = 5;

/** The family that asks one thing in several wordings. */
const PARAPHRASES = 'consistency_paraphrase';

/** `RUNS_AUDIT.md`: every sentence and number of it is computed from the audit. */
export function auditReport(audit: Audit): string {
  const sections = [
    ['Overview', overview(audit)],
    ['Run inventory', inventory(audit.runs)],
    ['Verdicts', verdicts(audit.runs)],
    ['What could have gone wrong', checklist(audit)],
    ['Official baselines', officialBaselines(audit)],
    ['Bias and confusion matrix', confusionSection(audit.runs)],
    ['Dataset fingerprints', fingerprints(audit.runs)],
    ['Invalid answers', invalidAnswers(audit.runs)],
    ['Scores by family', familySections(audit.runs)],
    ['Paraphrases', paraphrases(audit.runs)],
    ['Throughput', throughputSection(audit.runs)],
  ];
  const body = sections.map(([title, text], i) => `## ${i}. ${title}\n\n${text}`);
  const head = `# ChaosBench-Logic — Runs Audit Report\n\n_State of the lake of ${audit.timestamp.toISOString()}_\n`;
  return [head, ...body].join('\n');
}

function overview({ snapshot, runs, checks, baselines }: Audit): string {
  const count = (holds: (run: AuditRun) => boolean) => runs.filter(holds).length;
  const results = (result: string) => checks.filter((check) => check.result === result).length;
  const withAnswers = count(({ evidence }) => evidence !== undefined);
  const others = runs.length - withAnswers;
  const lines = [
    `${counted(runs.length, 'run')} audited: ${count(({ verdict }) => verdict === 'OFFICIAL')} OFFICIAL, ${count(({ verdict }) => verdict === 'EXPLORATORY')} EXPLORATORY, ${count(({ verdict }) => verdict === null)} without a verdict.`,
    `The answers of ${counted(withAnswers, 'run')} are in the lake${others === 0 ? '' : `; of the other ${others} only reported numbers`}.`,
    `${counted(baselines.length, 'run')} in the paper tables, ${runs.length - baselines.length} left out.`,
    `${counted(checks.length, 'check')}: ${results('PASSED')} passed, ${results('NOTED')} noted something, ${results('FAILED')} failed, ${results('NOT_EXAMINED')} could not be made.`,
    ...[true, false].flatMap((full) => bestLine(baselines, full)),
    `Snapshot: \`${snapshot}\``,
  ];
  return lines.map((line) => `- ${line}\n`).join('');
}

/** Scores over the whole dataset and over subsets do not compare, so each has a best run. */
function bestLine(baselines: readonly Baseline[], full: boolean): string[] {
  const best = baselines.find(({ isFullRun }) => isFullRun === full);
  if (best === undefined) return [];
  const over = full ? 'the whole dataset' : 'a subset';
  return [
    `Highest balanced accuracy of an official run over ${over}: ${fixed(best.balancedAccuracy, 4)} (MCC ${fixed(best.mcc, 4)}), ${markdownCode(best.model)}, ${counted(best.nTotal, 'item')}.`,
  ];
}

function inventory(runs: readonly AuditRun[]): string {
  const header = [
    'Run ID',
    'Provider',
    'Model',
    'N',
    'Acc_valid',
    'Bal_acc',
    'MCC',
    'Bias',
    'Status',
    'Verdict',
  ];
  return markdownTable(
    header,
    runs.map((run) => [
      markdownCode(run.label),
      run.provider === null ? NONE : markdownCell(run.provider),
      markdownCell(run.model),
      run.scores === undefined ? NONE : grouped(run.scores.total),
      ...[run.scores?.accuracy_valid, run.scores?.balanced_accuracy, run.scores?.mcc].map(rate),
      run.confusion?.bias_verdict ?? NONE,
      run.status,
      run.verdict ?? NONE,
    ]),
  );
}

function rate(value: number | undefined): string {
  return value === undefined ? NONE : fixed(value, 4);
}

function verdicts(runs: readonly AuditRun[]): string {
  const met = runs.filter(({ verdict, failed }) => verdict !== null && failed.length === 0).length;
  const sentence = `${met} of ${counted(runs.length, 'run')} meet all criteria of the policy.\n`;
  const remarkable = runs.filter(({ failed, flags }) => failed.length + flags.length > 0);
  if (remarkable.length === 0) return sentence;
  const table = markdownTable(
    ['Run ID', 'Verdict', 'Not met', 'Flags'],
    remarkable.map(({ label, verdict, failed, flags }) => [
      markdownCode(label),
      verdict ?? NONE,
      failed.join(', ') || NONE,
      flags.join(', ') || NONE,
    ]),
  );
  return `${sentence}\n${table}`;
}

function checklist({ checks }: Audit): string {
  const table = markdownTable(
    ['Risk', 'Result', 'Runs examined', 'Runs concerned', 'Count', 'Runs'],
    checks.map((check) => [
      check.risk,
      check.result.replace('_', ' '),
      `${check.runsExamined} of ${check.runsExamined + check.runsNotExamined}`,
      String(concerned(check).length),
      grouped(check.count),
      named(concerned(check)),
    ]),
  );
  const details = checks
    .filter(({ findings }) => findings.length > 0)
    .map(({ risk, findings }) => {
      const lines = findings.map(
        ({ label, level, detail }) =>
          `- ${level === 'problem' ? '**problem**' : 'note'} ${markdownCode(label)}: ${markdownCell(detail)}\n`,
      );
      return `\n### ${risk}\n\n${lines.join('')}`;
    });
  return `${table}${details.join('')}`;
}

function concerned({ findings }: CheckOutcome): string[] {
  return [...new Set(findings.map(({ label }) => label))];
}

function named(ids: readonly string[]): string {
  if (ids.length === 0) return NONE;
  const shown = ids.slice(0, MAX_NAMED).map(markdownCode).join(', ');
  return ids.length > MAX_NAMED ? `${shown} and ${ids.length - MAX_NAMED} more` : shown;
}

function officialBaselines({ runs, baselines }: Audit): string {
  const left = runs.flatMap((run) => {
    const reason = exclusion(run);
    return reason === undefined ? [] : [[markdownCode(run.label), markdownCell(reason)]];
  });
  const table = baselines.length === 0 ? 'No run qualifies.\n' : baselinesMarkdown(baselines);
  return left.length === 0 ? table : `${table}\nLeft out:\n\n${markdownTable(['Run ID', 'Reason'], left)}`;
}

function confusionSection(runs: readonly AuditRun[]): string {
  const rows = runs.flatMap(({ label, confusion }) =>
    confusion === undefined ? [] : [[markdownCode(label), ...confusionCells(confusion)]],
  );
  if (rows.length === 0) return 'No answers are in the lake.\n';
  const header = [
    'Run ID',
    'TP',
    'FP',
    'TN',
    'FN',
    'TPR',
    'TNR',
    'Truth TRUE',
    'Answer TRUE',
    'Bias score',
    'Dominant',
    'Verdict',
  ];
  return `LABEL-BIASED: bias score above ${BIAS_SCORE_LIMIT}, or TPR or TNR below ${CLASS_RATE_LIMIT}; a run without valid answers is OK.\n\n${markdownTable(header, rows)}`;
}

function confusionCells(confusion: ConfusionScores): string[] {
  const { tp, fp, tn, fn, n_valid: n } = confusion;
  const share = (part: number, value: number) => `${fixed(value, 4)} (${part}/${n})`;
  return [
    ...[tp, fp, tn, fn].map(grouped),
    fixed(confusion.tpr, 4),
    fixed(confusion.tnr, 4),
    share(confusion.gt_true, confusion.gt_true_rate),
    share(confusion.pred_true, confusion.pred_true_rate),
    fixed(confusion.bias_score, 4),
    n === 0 ? NONE : confusion.dominant_label,
    confusion.bias_verdict,
  ];
}

function fingerprints(runs: readonly AuditRun[]): string {
  const groups = fingerprintGroups(runs);
  if (groups.length === 0) return 'No run has a manifest.\n';
  return markdownTable(
    ['Stored fingerprint', 'Compared with the frozen dataset', 'Runs', 'Run IDs'],
    groups.map(({ sha256, state, runs: members }) => [
      markdownCode(sha256),
      state,
      String(members.length),
      named(members.map(({ label }) => label)),
    ]),
  );
}

function invalidAnswers(runs: readonly AuditRun[]): string {
  const rows = runs.flatMap(({ label, scores, evidence }) => {
    if (scores === undefined || scores.invalid === 0) return [];
    const kinds = evidence?.parsing.invalid;
    const cells = [
      kinds?.empty_response,
      kinds?.refusal,
      kinds?.hedging_or_multi_answer,
      kinds?.formatting_failure,
    ];
    const share = `${fixed(100 * scores.invalid_rate, 4)} %`;
    return [
      [
        markdownCode(label),
        grouped(scores.total),
        grouped(scores.invalid),
        share,
        ...cells.map((n) => (n === undefined ? NONE : grouped(n))),
      ],
    ];
  });
  const complete = runs.filter(({ scores }) => scores !== undefined && scores.invalid === 0).length;
  const header = ['Run ID', 'N', 'Invalid', 'Rate', 'Empty', 'Refusal', 'Hedging', 'Format'];
  const sentence = `${complete} of ${counted(runs.length, 'run')} have no invalid answer.\n`;
  return rows.length === 0 ? sentence : `${sentence}\n${markdownTable(header, rows)}`;
}

function familySections(runs: readonly AuditRun[]): string {
  const shown = runs.filter((run) => run.families.length > 0);
  if (shown.length === 0) return 'No run has scores by family.\n';
  return shown
    .map(
      (run) =>
        `### ${markdownCell(run.label)} — ${markdownCode(run.model)}, ${run.verdict ?? 'no verdict'}\n\n${familyTable(run.families)}`,
    )
    .join('\n');
}

function familyTable(families: readonly FamilyScores[]): string {
  const header = ['Family', 'N', 'Valid', 'Acc', 'Bal_acc', 'MCC', 'TPR', 'TNR', 'Bias', 'Wilson 95% CI'];
  const largestFirst = families.toSorted((a, b) => b.total - a.total || (a.family < b.family ? -1 : 1));
  return markdownTable(
    header,
    largestFirst.map((family) => {
      const { confusion } = family;
      const rates = [
        family.accuracy_valid,
        confusion?.balanced_accuracy,
        confusion?.mcc,
        confusion?.tpr,
        confusion?.tnr,
      ];
      const interval = familyInterval(family);
      return [
        markdownCell(family.family),
        grouped(family.total),
        grouped(family.valid),
        ...rates.map((value) => (value === undefined ? NONE : fixed(value, 3))),
        confusion?.bias_verdict ?? NONE,
        interval === undefined ? NONE : `[${fixed(interval[0], 3)}, ${fixed(interval[1], 3)}]`,
      ];
    }),
  );
}

function paraphrases(runs: readonly AuditRun[]): string {
  const rows = runs.flatMap((run) => {
    const family = run.families.find(({ family: name }) => name === PARAPHRASES);
    if (family === undefined || family.valid === 0) return [];
    const { valid, accuracy_valid: accuracy } = family;
    return [[markdownCode(run.label), grouped(valid), fixed(accuracy, 4), fixed(1 - accuracy, 4)]];
  });
  if (rows.length === 0) return `No run has valid answers in ${PARAPHRASES}.\n`;
  return `Answers name no group of paraphrases; the proxy of a flip rate is 1 − accuracy in ${PARAPHRASES}.\n\n${markdownTable(['Run ID', 'Valid', 'Accuracy', 'Flip proxy'], rows)}`;
}

function throughputSection(runs: readonly AuditRun[]): string {
  const rows = runs.flatMap((run) => {
    const qps = throughput(run);
    if (qps === null || run.evidence === undefined) return [];
    const { sum, timed, median, max } = run.evidence.latency;
    return [
      [
        markdownCode(run.label),
        run.manifest === undefined ? NONE : String(run.manifest.workers),
        fixed(qps, 2),
        ...[sum / timed, median, max].map((seconds) => fixed(1000 * seconds, 1)),
      ],
    ];
  });
  if (rows.length === 0) return 'No run has latencies.\n';
  return `Answers a second are rows by the sum of latencies, as if asked one after the other.\n\n${markdownTable(['Run ID', 'Workers', 'Answers/s', 'Mean ms', 'Median ms', 'Max ms'], rows)}`;
}

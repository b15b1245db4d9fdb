import type { Command } from 'commander';
import { FAMILIES } from '../../ingest/families/families.ts';
import type { ActivationOptions, Issue } from '../../ingest/family.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import type { IngestProgress } from '../../ingest/pipeline/progress.ts';
import { validate } from '../../ingest/pipeline/validate.ts';
import { exitCode, type IngestReport, type RunReport } from '../../ingest/report.ts';
import { UsageError } from '../errors.ts';
import { storeEnvironment, withWriter } from '../session.ts';
import {
  type CommonOptions,
  configOf,
  interruptSignal,
  print,
  printJson,
  wholeNumber,
  withCommonOptions,
} from './shared.ts';

interface IngestCommandOptions extends CommonOptions {
  readonly namespace: string;
  readonly lenient?: boolean;
  readonly layers?: string;
  readonly tokens: string;
  readonly sequence: string;
  readonly concurrency: string;
  readonly checklist?: boolean;
}

function withIngestOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--namespace <name>', 'first component of every run id', 'main')
    .option('--lenient', 'turn errors of single records into warnings and keep the good records')
    .option('--layers <list>', 'only these layers of activation stores, e.g. 0,8,16-20')
    .option('--tokens <which>', 'rows of an entry and layer: all, last or mean', 'all')
    .option('--sequence <which>', 'part of the sequence: recorded, all, prompt or response', 'recorded');
}

export function ingestCommand(command: Command): void {
  withIngestOptions(command)
    .description(
      'Finds the runs of every family below the paths (directories or s3://bucket/prefix), checks them against their\n' +
        'contracts and commits each atomically. Ingesting the same content again changes nothing; changed content\n' +
        'replaces the run. Exit code 0: every run accepted, 1: some rejected, 2: usage.',
    )
    .option('--concurrency <n>', 'runs that are read at the same time', '2')
    .addHelpText(
      'after',
      '\nExamples:\n  runlake ingest runs/\n  runlake ingest s3://bucket/experiments --tokens last --layers 16-32\n' +
        '  runlake ingest runs/2026-01-20 --lenient --json | jq \'.runs[] | select(.status=="rejected")\'\n',
    )
    .action(async (paths: string[], options: IngestCommandOptions) => {
      const config = configOf(options);
      const signal = interruptSignal();
      const progress = options.json ? undefined : progressLine();
      const report = await withWriter(config, signal, (writer) =>
        ingest(writer, paths, {
          families: FAMILIES,
          namespace: options.namespace,
          lenient: options.lenient,
          activations: activationOptions(options),
          concurrency: wholeNumber('--concurrency', options.concurrency),
          env: storeEnvironment(config),
          signal,
          onProgress: progress?.update,
        }),
      );
      progress?.clear();
      if (options.json) printJson(report);
      else printReport(report, 'ingested');
      process.exitCode = exitCode(report);
    });
}

export function validateCommand(command: Command): void {
  withIngestOptions(command)
    .description(
      'Reads and checks everything that ingest would, activation tensors included, and writes nothing.',
    )
    .option('--checklist', "print every run's compliance checklist")
    .action(async (paths: string[], options: IngestCommandOptions) => {
      const progress = options.json ? undefined : progressLine();
      const report = await validate(paths, {
        families: FAMILIES,
        namespace: options.namespace,
        lenient: options.lenient,
        activations: activationOptions(options),
        env: storeEnvironment(configOf(options)),
        signal: interruptSignal(),
        onProgress: progress?.update,
      });
      progress?.clear();
      const runs = report.runs.map(({ compliance, ...run }) => ({
        ...run,
        status: run.status === 'rejected' ? run.status : 'valid',
        compliance: compliance === null ? null : (JSON.parse(compliance) as unknown),
      }));
      if (options.json) printJson({ ...report, runs });
      else {
        printReport(report, 'valid');
        if (options.checklist) for (const run of report.runs) printChecklist(run.runId, run.compliance);
      }
      process.exitCode = exitCode(report);
    });
}

function activationOptions(options: IngestCommandOptions): ActivationOptions {
  const { tokens, sequence, layers } = options;
  if (tokens !== 'all' && tokens !== 'last' && tokens !== 'mean') {
    throw new UsageError(`--tokens ${tokens} is unknown`, { expected: 'all, last or mean' });
  }
  if (sequence !== 'recorded' && sequence !== 'all' && sequence !== 'prompt' && sequence !== 'response') {
    throw new UsageError(`--sequence ${sequence} is unknown`, {
      expected: 'recorded, all, prompt or response',
    });
  }
  return { tokens, sequence, ...(layers === undefined ? {} : { layers: layerList(layers) }) };
}

function layerList(text: string): number[] {
  const layers = text.split(',').flatMap((part) => {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    if (match === null)
      throw new UsageError(`--layers ${text} cannot be read`, { expected: 'a list such as 0,8,16-20' });
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first || last > 10_000) throw new UsageError(`--layers ${part} is no range of layers`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return [...new Set(layers)].sort((a, b) => a - b);
}

/** A line on a terminal that is overwritten; nothing where the output is no terminal. */
function progressLine(): { update: (progress: IngestProgress) => void; clear: () => void } {
  const { stderr } = process;
  let last = 0;
  const started = Date.now();
  return {
    update(progress) {
      if (!stderr.isTTY || Date.now() - last < 100) return;
      last = Date.now();
      const { stage, runsDone, runsFound, bytes, storeEntries, current } = progress;
      const rate = bytes / 1e6 / Math.max(0.001, (Date.now() - started) / 1000);
      const share = runsFound === 0 ? 0 : runsDone / runsFound;
      const bar = `${'█'.repeat(Math.round(share * 20))}${'░'.repeat(20 - Math.round(share * 20))}`;
      const counts = `${runsDone}/${runsFound} runs  ${(bytes / 1e6).toFixed(0)} MB (${rate.toFixed(0)} MB/s)  ${storeEntries} entries`;
      stderr.write(
        `\r\x1b[2K${bar} ${stage}  ${counts}  ${current ?? ''}`.slice(0, (stderr.columns ?? 120) + 5),
      );
    },
    clear() {
      if (stderr.isTTY) stderr.write('\r\x1b[2K');
    },
  };
}

const MAX_ISSUES_SHOWN = 20;
const MAX_MESSAGE = 240;

function printReport(report: IngestReport, verb: string): void {
  for (const run of report.runs) {
    print(`${(run.status === 'ingested' ? verb : run.status).padEnd(9)} ${run.runId}  ${rowSummary(run)}`);
    const serious = run.issues.filter(isSerious);
    for (const issue of serious.slice(0, MAX_ISSUES_SHOWN)) print(`    ${issueLine(issue)}`);
    const hidden = run.issues.length - Math.min(serious.length, MAX_ISSUES_SHOWN);
    if (hidden > 0)
      print(`    ${hidden} more ${hidden === 1 ? 'note' : 'notes'}: see --json or the table issues`);
  }
  printTreeIssues(report.issues);
  const counts = new Map<string, number>();
  for (const { status } of report.runs) counts.set(status, (counts.get(status) ?? 0) + 1);
  const summary = [...counts]
    .map(([status, n]) => `${n} ${status === 'ingested' ? verb : status}`)
    .join(', ');
  print(report.runs.length === 0 ? 'no runs were found' : `${report.runs.length} runs: ${summary}`);
}

/** Issues of one code about the tree that are shown on a terminal. */
const MAX_SHOWN_PER_CODE = 5;

/** What belongs to no run, the serious first. */
function printTreeIssues(issues: readonly Issue[]): void {
  const byCode = new Map<string, Issue[]>();
  for (const issue of [...issues.filter(isSerious), ...issues.filter((issue) => !isSerious(issue))]) {
    const same = byCode.get(issue.code);
    if (same === undefined) byCode.set(issue.code, [issue]);
    else same.push(issue);
  }
  for (const [code, same] of byCode) {
    for (const issue of same.slice(0, MAX_SHOWN_PER_CODE)) print(issueLine(issue));
    const hidden = same.length - MAX_SHOWN_PER_CODE;
    if (hidden > 0) print(`     ${hidden} more ${code}: see --json`);
  }
}

function isSerious({ severity }: Issue): boolean {
  return severity !== 'info';
}

function rowSummary(run: RunReport): string {
  return Object.entries(run.rows)
    .filter(([table, rows]) => rows > 0 && table !== 'runs')
    .map(([table, rows]) => `${table} ${rows}`)
    .join(', ');
}

function issueLine(issue: Issue): string {
  const place = [issue.file, issue.line, issue.pointer].filter((part) => part !== undefined).join(':');
  const message = issue.message.replaceAll(/\s*\n\s*/g, ' ⏎ ');
  const short = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
  return `${issue.severity} ${issue.code}${place === '' ? '' : ` ${place}`}: ${short}`;
}

function printChecklist(runId: string, compliance: string | null): void {
  if (compliance === null) return;
  print(`\n${runId}`);
  const items = JSON.parse(compliance) as { item: string; passed: boolean; detail?: string }[];
  for (const { item, passed, detail } of items) {
    print(`  [${passed ? 'x' : ' '}] ${item}${detail === undefined || detail === '' ? '' : ` (${detail})`}`);
  }
}

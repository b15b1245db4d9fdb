import type { Command } from 'commander';
import { type Audit, auditFiles, auditRuns } from '../../compute/tasks/chaos/audit/audit.ts';
import { writeDocuments } from '../../compute/tasks/chaos/documents.ts';
import { findRun } from '../../compute/tasks/chaos/find-run.ts';
import { counted } from '../../compute/tasks/chaos/markdown.ts';
import { openStore } from '../../lake/store/open-store.ts';
import { storeEnvironment, withLake } from '../session.ts';
import {
  type AsOfOptions,
  asOfOption,
  configOf,
  interruptSignal,
  print,
  withCommonOptions,
} from './shared.ts';

interface AuditOptions extends AsOfOptions {
  readonly out?: string;
  readonly run?: readonly string[];
  readonly strict?: boolean;
}

export function auditCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Looks at the rows of ChaosBench runs and says what could have gone wrong with them: a checklist whose every line is ' +
        'a check that was made on these runs, with the runs concerned. Prints the report (Markdown; summary.json with ' +
        '--json), or writes RUNS_AUDIT.md, summary.json, baselines_table.csv, baselines_table.md and ' +
        'baselines_by_family.csv. The tables hold official runs of real models only. The same state of the lake gives the ' +
        'same bytes.',
    )
    .option('-o, --out <dir>', 'write the five documents there: a directory or s3://bucket/prefix')
    .option(
      '--run <ids...>',
      'only these runs, by their ids or the ends of these (default: every ChaosBench run)',
    )
    .addOption(asOfOption())
    .option('--strict', 'exit code 1 when a check failed')
    .addHelpText(
      'after',
      '\nExamples:\n  runlake audit --out artifacts/runs_audit\n' +
        '  runlake audit --run 20260220T104105Z_ollama_llama3.1:8b 20260220T145645Z_ollama_gemma2:9b\n' +
        '  runlake audit --json | jq \'.checks[] | select(.result=="FAILED") | .risk\'\n',
    )
    .action(async (options: AuditOptions) => {
      const config = configOf(options);
      const calls = { signal: interruptSignal() };
      await withLake(config, async (lake) => {
        const snapshot = await lake.snapshot(options.asOf, calls);
        const named = options.run?.map(
          async (name) => (await findRun(lake, snapshot, name, calls))?.runId ?? name,
        );
        const runIds = named === undefined ? undefined : await Promise.all(named);
        const audit = await auditRuns(lake, snapshot, { runIds }, calls);
        const files = auditFiles(audit);
        if (options.out !== undefined) {
          const store = await openStore(options.out, { env: storeEnvironment(config) });
          await writeDocuments(store, files, calls);
        }
        if (options.json) print(files.get('summary.json') ?? '');
        else if (options.out === undefined) print(files.get('RUNS_AUDIT.md') ?? '');
        else print(outcome(audit, options.out, [...files.keys()]));
        if (options.strict && audit.checks.some(({ result }) => result === 'FAILED')) process.exitCode = 1;
      });
    });
}

function outcome({ runs, checks, baselines }: Audit, out: string, files: readonly string[]): string {
  const lines = checks
    .filter(({ result }) => result !== 'PASSED')
    .map(({ result, risk, findings }) => {
      const concerned = new Set(findings.map(({ runId }) => runId)).size;
      return `${result.replace('_', ' ').padEnd(12)} ${risk}${concerned === 0 ? '' : `: ${counted(concerned, 'run')}`}`;
    });
  const passed = checks.length - lines.length;
  return [
    `${counted(runs.length, 'run')}, ${baselines.length} of them in the paper tables; ${passed} of ${checks.length} checks passed`,
    ...lines,
    `written to ${out}: ${files.join(', ')}`,
  ].join('\n');
}

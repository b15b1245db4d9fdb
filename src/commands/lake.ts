import type { Command } from 'commander';
import type { CompactedTable } from '../../graphql/context.ts';
import { type HistoryEntry, history } from '../../lake/log/history.ts';
import type { TableInfo } from '../../lake/upkeep/info.ts';
import { parseSize } from '../config.ts';
import { UsageError } from '../errors.ts';
import { textTable } from '../rows.ts';
import { withLake, withWriter } from '../session.ts';
import { checkTables, compactTables, tableInfos, tablesOf, vacuumTables } from '../upkeep.ts';
import {
  type CommonOptions,
  configOf,
  interruptSignal,
  print,
  printAnswer,
  printJson,
  wholeNumber,
  withCommonOptions,
} from './shared.ts';

interface TableOptions extends CommonOptions {
  readonly table?: string;
}

export function lakeCommands(lake: Command): void {
  withCommonOptions(lake.command('info'))
    .summary('versions, files, bytes and rows of every table')
    .option('--table <name>', 'only this table')
    .action((options: TableOptions) =>
      withLake(configOf(options), async (open) => {
        const infos = await tableInfos(open, options.table, { signal: interruptSignal() });
        printAnswer(options, infos, infoTable);
      }),
    );

  withCommonOptions(lake.command('history'))
    .summary('the newest commits of a table')
    .option('--table <name>', 'which table', 'runs')
    .option('--limit <n>', 'how many', '20')
    .action((options: TableOptions & { limit: string }) =>
      withLake(configOf(options), async (open) => {
        const [table] = await tablesOf(open, options.table);
        const entries =
          table === undefined ? [] : await history(table, wholeNumber('--limit', options.limit));
        printAnswer(options, entries, historyTable);
      }),
    );

  withCommonOptions(lake.command('compact'))
    .summary('merge small files and drop rows that no run names any more')
    .description(
      'Merges small files into sorted larger ones. Old snapshots stay readable until vacuumed. Safe while others ingest.',
    )
    .option('--table <name>', 'only this table')
    .option('--target-size <size>', 'size that files should grow to, e.g. 256MiB')
    .action((options: TableOptions & { targetSize?: string }) =>
      withLake(configOf(options), async (open) => {
        const targetBytes = options.targetSize === undefined ? undefined : parseSize(options.targetSize);
        const results = await compactTables(open, options.table, { signal: interruptSignal(), targetBytes });
        printAnswer(options, results, compactionTable);
      }),
    );

  withCommonOptions(lake.command('delete <run...>'))
    .summary('take runs out of the lake')
    .description(
      'Queries no longer see the runs; states of before still do, until a vacuum. Compaction drops their rows, and vacuum\n' +
        'the objects. Ingesting their directories again brings them back. Exit code 1 when one of them was not there.',
    )
    .action((runs: string[], options: CommonOptions) => {
      const signal = interruptSignal();
      return withWriter(configOf(options), signal, async (writer) => {
        const { deleted, duplicates } = await writer.deleteRuns(new Set(runs), { signal });
        const missing = runs.filter((run) => !deleted.has(run));
        process.exitCode = missing.length === 0 ? 0 : 1;
        if (options.json) return printJson({ deleted: [...deleted], missing, duplicates: [...duplicates] });
        for (const run of deleted) print(`deleted ${run}`);
        for (const run of missing) print(`there is no run ${run}`);
        for (const run of duplicates)
          print(
            `${run} is still left out of aggregates, as a duplicate: delete it, too, and ingest it again`,
          );
      });
    });

  withCommonOptions(lake.command('vacuum'))
    .summary('delete objects that no recent snapshot needs')
    .option('--table <name>', 'only this table')
    .option('--retention <hours>', 'states of the last so many hours stay readable (at least 24)', '168')
    .option('--dry-run', 'only say what would be deleted')
    .option('--force', 'allow less than 24 hours: only when nobody else uses the lake')
    .action((options: TableOptions & { retention: string; dryRun?: boolean; force?: boolean }) =>
      withLake(configOf(options), async (open) => {
        const retentionHours = Number(options.retention);
        if (!(retentionHours >= 0))
          throw new UsageError(`--retention ${options.retention} is no number of hours`);
        const { table, dryRun, force } = options;
        const results = await vacuumTables(
          open,
          { table, retentionHours, dryRun, force },
          { signal: interruptSignal() },
        );
        printAnswer(options, results, () => {
          const rows = results.map((r) => [r.table, String(r.files), megabytes(r.bytes)]);
          return textTable(['table', dryRun ? 'would delete' : 'deleted', 'MB'], rows);
        });
      }),
    );

  withCommonOptions(lake.command('fsck'))
    .summary('check log, objects, footers and statistics')
    .description(
      'Exit code 0: nothing wrong (or everything wrong was repaired), 1: findings of severity error or warning remain.',
    )
    .option('--table <name>', 'only this table')
    .option('--repair', 'put right what can be put right without losing visible rows')
    .option(
      '--drop-lost',
      'with --repair: take files out of the log that are lost or unreadable; their rows are gone',
    )
    .option('--footers-only', 'do not read every row to check statistics')
    .option('--lease <hours>', 'objects and ingests younger than this may belong to a running ingest', '24')
    .action(
      (
        options: TableOptions & {
          repair?: boolean;
          dropLost?: boolean;
          footersOnly?: boolean;
          lease: string;
        },
      ) =>
        withLake(configOf(options), async (open) => {
          const { findings, repaired } = await checkTables(open, options.table, {
            signal: interruptSignal(),
            repair: options.repair,
            dropLost: options.dropLost,
            data: !options.footersOnly,
            leaseMs: Number(options.lease) * 3_600_000,
          });
          const left = findings.filter(
            (finding) => !repaired.includes(finding) && finding.severity !== 'info',
          );
          process.exitCode = left.length === 0 ? 0 : 1;
          if (options.json) return printJson({ findings, repaired });
          for (const finding of findings) {
            const place = [finding.table, finding.path].filter((part) => part !== undefined).join('/');
            const state = repaired.includes(finding)
              ? ' (repaired)'
              : finding.repairable
                ? ' (repairable)'
                : '';
            print(`${finding.severity} ${finding.code} ${place}: ${finding.message}${state}`);
          }
          print(findings.length === 0 ? 'clean' : `${findings.length} findings, ${repaired.length} repaired`);
        }),
    );
}

function infoTable(infos: readonly TableInfo[]): string {
  if (infos.length === 0) return 'the lake is empty';
  const header = ['table', 'version', 'files', 'MB', 'rows', 'checkpoint', 'tombstones', 'committed'];
  const rows = infos.map((i) => [
    i.name,
    String(i.version),
    String(i.files),
    megabytes(i.bytes),
    String(i.rows ?? ''),
    String(i.checkpointVersion ?? ''),
    String(i.tombstones),
    i.timestamp.toISOString(),
  ]);
  return textTable(header, rows);
}

function historyTable(entries: readonly HistoryEntry[]): string {
  const header = ['version', 'time', 'operation', 'added', 'removed', 'by'];
  const rows = entries.map((e) => [
    String(e.version),
    e.timestamp.toISOString(),
    e.operation ?? '',
    String(e.addedFiles),
    String(e.removedFiles),
    e.engineInfo ?? '',
  ]);
  return textTable(header, rows);
}

function compactionTable(results: readonly CompactedTable[]): string {
  const header = ['table', 'files before', 'after', 'MB before', 'after', 'version'];
  const rows = results.map((r) => [
    r.table,
    String(r.filesBefore),
    String(r.filesAfter),
    megabytes(r.bytesBefore),
    megabytes(r.bytesAfter),
    String(r.version),
  ]);
  return textTable(header, rows);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

import type { Command } from 'commander';
import { PARQUET_COMPRESSIONS } from '../../lake/export/parquet.ts';
import { EXPORT_FORMATS, type ExportRequest } from '../../lake/export/result.ts';
import { UsageError } from '../errors.ts';
import { exportTo } from '../export-file.ts';
import { withLake } from '../session.ts';
import {
  type AsOfOptions,
  asOfOption,
  configOf,
  interruptSignal,
  printJson,
  wholeNumber,
  withCommonOptions,
} from './shared.ts';

interface ExportCommandOptions extends AsOfOptions {
  readonly format: string;
  readonly compression?: string;
  readonly output?: string;
  readonly table?: string;
  readonly columns?: string;
  readonly filter?: string;
  readonly orderBy?: string;
  readonly first?: string;
}

export function exportCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Writes the rows of one read-only SQL statement, or of a table or view, for notebooks: Arrow IPC or Parquet, with\n' +
        'vectors as lists of fixed size. Memory does not grow with the rows. With --json it says how many rows and bytes, their SHA-256 and the snapshot.',
    )
    .option('--format <format>', `${EXPORT_FORMATS.join(', ')}`, 'arrow')
    .option('--compression <codec>', `of Parquet: ${PARQUET_COMPRESSIONS.join(', ')} (default: zstd)`)
    .option(
      '-o, --output <file>',
      'write to a file, which appears when it is complete, instead of standard output',
    )
    .option(
      '--table <name>',
      'rows of a table or view instead of SQL; what follows chooses among them as in GraphQL',
    )
    .option('--columns <names>', 'with --table: only these, separated by commas')
    .option(
      '--filter <filter>',
      'with --table: a filter as in GraphQL, or as JSON; of a view, one on the runs',
    )
    .option('--order-by <keys>', 'with --table: sort keys as in GraphQL, or as JSON')
    .option('--first <n>', 'with --table: at most so many rows')
    .addOption(asOfOption())
    .addHelpText(
      'after',
      '\nExamples:\n  runlake export "select * from generations" -o generations.arrow\n' +
        '  runlake export "select example_id, vector from activations where layer = 4" --format arrow-stream | python probe.py\n' +
        '  runlake export --table generations --filter \'{run: {method: {eq: "probe_v1"}}, halu: {eq: true}}\' -o halu.arrow\n',
    )
    .action(async (sql: string | undefined, options: ExportCommandOptions) => {
      const format = oneOf('--format', options.format, EXPORT_FORMATS);
      const compression =
        options.compression === undefined
          ? undefined
          : oneOf('--compression', options.compression, PARQUET_COMPRESSIONS);
      if (options.json && options.output === undefined) {
        throw new UsageError('--json and the export cannot both go to standard output', {
          remedy: 'give a file with -o',
        });
      }
      const statement = await statementOf(sql, options);
      const signal = interruptSignal();
      await withLake(configOf(options), async (lake) => {
        const snapshot = await lake.snapshot(options.asOf, { signal });
        const request = { snapshot, ...statement, format, compression };
        const summary = await exportTo(options.output, lake, request, { signal });
        if (options.json) printJson({ file: options.output, ...summary, snapshot: snapshot.token });
      });
    });
}

/** @throws UsageError, BadUserInputError */
async function statementOf(
  sql: string | undefined,
  options: ExportCommandOptions,
): Promise<Pick<ExportRequest, 'sql' | 'params' | 'prune'>> {
  const { table, columns, filter, orderBy, first } = options;
  if ((sql === undefined) === (table === undefined)) {
    throw new UsageError(
      `${sql === undefined ? 'neither' : 'both'} SQL ${sql === undefined ? 'nor' : 'and'} --table`,
      {
        expected: 'a SELECT, or --table with the name of a table or view',
      },
    );
  }
  if (table === undefined) {
    if ([columns, filter, orderBy, first].some((option) => option !== undefined))
      throw new UsageError('--columns, --filter, --order-by and --first need --table');
    return { sql: sql ?? '' };
  }
  const { tableStatement } = await import('../export-table.ts');
  return tableStatement({
    table,
    filter,
    orderBy,
    columns: columns?.split(',').map((name) => name.trim()),
    first: first === undefined ? undefined : wholeNumber('--first', first),
  });
}

function oneOf<T extends string>(flag: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found === undefined)
    throw new UsageError(`${flag} ${value} is unknown`, { expected: known.join(', ') });
  return found;
}

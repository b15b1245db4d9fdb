import type { Command } from 'commander';
import { parseAsOf } from '../../lake/as-of.ts';
import { PARQUET_COMPRESSIONS } from '../../lake/export/parquet.ts';
import { EXPORT_FORMATS } from '../../lake/export/result.ts';
import { UsageError } from '../errors.ts';
import { exportTo } from '../export-file.ts';
import { withLake } from '../session.ts';
import { type CommonOptions, configOf, interruptSignal, printJson, withCommonOptions } from './shared.ts';

interface ExportCommandOptions extends CommonOptions {
  readonly format: string;
  readonly compression?: string;
  readonly output?: string;
  readonly asOf?: string;
}

export function exportCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Writes the rows of one read-only SQL statement for notebooks: Arrow IPC or Parquet, with vectors as lists of fixed\n' +
        'size. Memory does not grow with the rows. With --json it says how many rows and bytes, their SHA-256 and the snapshot.',
    )
    .option('--format <format>', `${EXPORT_FORMATS.join(', ')}`, 'arrow')
    .option('--compression <codec>', `of Parquet: ${PARQUET_COMPRESSIONS.join(', ')} (default: zstd)`)
    .option(
      '-o, --output <file>',
      'write to a file, which appears when it is complete, instead of standard output',
    )
    .option('--as-of <state>', 'an older state: a version of runs, an ISO time, or a snapshot token')
    .addHelpText(
      'after',
      '\nExamples:\n  runlake export "select * from generations" -o generations.arrow\n' +
        '  runlake export "select example_id, vector from activations where layer = 4" --format arrow-stream | python probe.py\n',
    )
    .action(async (statement: string, options: ExportCommandOptions) => {
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
      const signal = interruptSignal();
      await withLake(configOf({ ...options }), async (lake) => {
        const snapshot = await lake.snapshot(parseAsOf(options.asOf), { signal });
        const request = { snapshot, sql: statement, format, compression };
        const summary = await exportTo(options.output, lake, request, { signal });
        if (options.json) printJson({ file: options.output, ...summary, snapshot: snapshot.token });
      });
    });
}

function oneOf<T extends string>(flag: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found === undefined)
    throw new UsageError(`${flag} ${value} is unknown`, { expected: known.join(', ') });
  return found;
}

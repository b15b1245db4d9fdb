import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { QueryResult } from '../../lake/engine/types.ts';
import { UsageError } from '../errors.ts';
import { csvRows, jsonRows, plainText, textTable } from '../rows.ts';
import { withLake } from '../session.ts';
import {
  type AsOfOptions,
  asOfOption,
  configOf,
  interruptSignal,
  print,
  withCommonOptions,
} from './shared.ts';

interface SqlOptions extends AsOfOptions {
  readonly format?: string;
  readonly output?: string;
}

const FORMATS = ['table', 'json', 'csv', 'parquet', 'arrow'] as const;
type Format = (typeof FORMATS)[number];

export function sqlCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Runs one read-only SQL statement (DuckDB dialect) over the current tables and views: runs, generations,\n' +
        'predictions, metrics, activations, run_metrics, examples and more; `runlake views list` explains all of them.',
    )
    .option('--format <format>', `${FORMATS.join(', ')} (default: table on a terminal, else json)`)
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .addOption(asOfOption())
    .addHelpText(
      'after',
      '\nExamples:\n  runlake sql "select method, seed, value from metrics join runs using (run_id) where metric=\'auroc\'"\n' +
        '  runlake sql "select * from activations where layer = 4" --format parquet -o layer4.parquet\n',
    )
    .action(async (statement: string, options: SqlOptions) => {
      const format = chosenFormat(options);
      const signal = interruptSignal();
      await withLake(configOf(options), async (lake) => {
        const snapshot = await lake.snapshot(options.asOf, { signal });
        if (format === 'parquet' || format === 'arrow') {
          const { exportTo } = await import('../export-file.ts');
          await exportTo(options.output, lake, { snapshot, sql: statement, format }, { signal });
          return;
        }
        const result = await lake.sandboxedQuery(snapshot, statement, { signal, times: 'iso' });
        await writeOut(options.output, rendered(format, result));
      });
    });
}

function chosenFormat(options: SqlOptions): Format {
  const format = options.format ?? (options.json || !process.stdout.isTTY ? 'json' : 'table');
  const known = FORMATS.find((name) => name === format);
  if (known === undefined)
    throw new UsageError(`--format ${format} is unknown`, { expected: FORMATS.join(', ') });
  return known;
}

function rendered(format: Exclude<Format, 'parquet' | 'arrow'>, result: QueryResult): string {
  switch (format) {
    case 'json':
      return `${jsonRows(result)}\n`;
    case 'csv':
      return csvRows(result);
    case 'table': {
      const { columns, rows } = result;
      const cells = rows.map((row) => columns.map((_, i) => plainText(row[i] ?? null)));
      return `${textTable(
        columns.map((c) => c.name),
        cells,
      )}\n${rows.length} rows\n`;
    }
  }
}

async function writeOut(output: string | undefined, content: string): Promise<void> {
  if (output !== undefined) await writeFile(output, content);
  else print(content);
}

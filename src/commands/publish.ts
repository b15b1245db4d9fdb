import type { Command } from 'commander';
import { type PublishResult, publishRun } from '../../compute/tasks/chaos/publish/publish.ts';
import { storeEnvironment, withLake } from '../session.ts';
import { type CommonOptions, configOf, interruptSignal, printAnswer, withCommonOptions } from './shared.ts';

interface PublishOptions extends CommonOptions {
  readonly out: string;
  readonly name?: string;
  readonly compressPredictions?: boolean;
  readonly force?: boolean;
  readonly allowExploratory?: boolean;
}

export function publishCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Copies run_manifest.json, metrics.json and summary.md of a run into DIR/<its run id>, adds a receipt, and brings ' +
        'the index DIR/README.md up to date. The run is named by its id in the lake, the end of that id, or its directory; ' +
        'what is published of a run of the lake is what was ingested, or nothing. Publishing again changes nothing. Only ' +
        'an OFFICIAL run is published, unless --allow-exploratory is given; its verdict is in the receipt and the index.',
    )
    .option(
      '-o, --out <dir>',
      'where published runs lie: a directory or s3://bucket/prefix',
      'published_results/runs',
    )
    .option('--name <name>', 'directory of the run below DIR (default: its run id)')
    .option('--compress-predictions', 'with the answers of a subset run as predictions_subset.jsonl.gz')
    .option('--force', 'replace what is published there as a whole')
    .option('--allow-exploratory', 'publish a run that is not official too, marked as what it is')
    .addHelpText(
      'after',
      '\nExamples:\n  runlake publish 20260220T104105Z_ollama_llama3.1:8b\n' +
        '  runlake publish runs/smoke/20260220T103222Z_ollama_llama3.1:8b --compress-predictions --allow-exploratory\n' +
        '  runlake publish 20260220T145645Z_ollama_gemma2:9b --out s3://bucket/published --force --json\n' +
        '\nThe receipt is dated now, or as SOURCE_DATE_EPOCH says (seconds since 1970), so that its bytes can be made again.\n',
    )
    .action(async (run: string, options: PublishOptions) => {
      const config = configOf(options);
      const { out, name, compressPredictions, force, allowExploratory } = options;
      const result = await withLake(config, (lake) =>
        publishRun(
          { run, out, name, compressPredictions, force, allowExploratory },
          {
            lake: { reader: lake, home: lake.home },
            env: storeEnvironment(config),
            now: publicationTime(process.env['SOURCE_DATE_EPOCH']),
            signal: interruptSignal(),
          },
        ),
      );
      printAnswer(options, result, outcome);
    });
}

/** The time of a reproducible publication (https://reproducible-builds.org/specs/source-date-epoch/), else now. */
function publicationTime(epoch: string | undefined): Date {
  return epoch !== undefined && /^\d{1,12}$/.test(epoch) ? new Date(Number(epoch) * 1000) : new Date();
}

function outcome({ status, runId, uri, receipt }: PublishResult): string {
  return [
    `${status} ${runId} (${receipt.verdict ?? 'no verdict'}) at ${uri}`,
    ...receipt.artifacts.map(({ file, bytes }) => `    ${file}  ${bytes} bytes`),
    ...receipt.artifacts_skipped.map((skipped) => `    left out: ${skipped}`),
  ].join('\n');
}

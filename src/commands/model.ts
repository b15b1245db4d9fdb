import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { listVerdicts, type StoredVerdict } from '../../compute/model/verdicts.ts';
import { textTable } from '../rows.ts';
import { openConfiguredStore, withLake } from '../session.ts';
import {
  type CommonOptions,
  configOf,
  interruptSignal,
  printAnswer,
  wholeNumber,
  withCommonOptions,
} from './shared.ts';

interface CheckOptions extends CommonOptions {
  readonly name?: string;
  readonly provider: 'auto' | 'cpu' | 'cuda' | 'webgpu';
  readonly compute?: 'float32' | 'float16' | 'bfloat16';
  readonly threads?: string;
}

/** `model check` and `model list`. */
export function modelCommands(model: Command): void {
  withCommonOptions(model.command('check <path>'))
    .summary('run the self-checks of a checkpoint and store what they say')
    .description(
      'Loads a checkpoint (a directory, or a key in the store), computes the same numbers in several ways and stores the verdict,\n' +
        'which holds for these weights, this provider, type of arithmetic and version. Jobs that run the model say what it was.\n' +
        'Exit code 1 when a check fails.',
    )
    .option('--name <id>', 'name in the list of models (the last part of the path otherwise)')
    .addOption(
      new Option('--provider <name>', 'execution provider')
        .choices(['auto', 'cpu', 'cuda', 'webgpu'])
        .default('auto'),
    )
    .addOption(
      new Option('--compute <type>', "type of the arithmetic (default: the provider's)").choices([
        'float32',
        'float16',
        'bfloat16',
      ]),
    )
    .option('--threads <n>', 'threads')
    .addHelpText('after', '\nExample:\n  runlake model check models/demo/checkpoint\n')
    .action(async (path: string, options: CheckOptions) => {
      const verdict = await check(path, options);
      printAnswer(options, verdict, describe);
      if (!verdict.passed) process.exitCode = 1;
    });

  withCommonOptions(model.command('list'))
    .summary('the verdicts of the lake')
    .action(async (options: CommonOptions) => {
      const store = await openConfiguredStore(configOf(options));
      const verdicts = await listVerdicts(store, interruptSignal());
      printAnswer(options, verdicts, listing);
    });
}

async function check(path: string, options: CheckOptions): Promise<StoredVerdict> {
  const config = configOf(options);
  const signal = interruptSignal();
  // Only here: the list of verdicts needs no ONNX Runtime.
  const { ModelProcess } = await import('../../compute/model/index.ts');
  const { registerModel } = await import('../../compute/tasks/model-check/model-check.ts');
  const { checkpointFiles } = await import('../../compute/tasks/text-model/onnx/checkpoint-files.ts');
  const { modelIdOf } = await import('../../compute/tasks/text-model/model-spec.ts');
  return withLake(config, async (lake) => {
    const scratch = join(config.home, 'jobs');
    await mkdir(scratch, { recursive: true });
    const files = await checkpointFiles(path, { store: lake.store, lake, scratch }, signal);
    const { name, provider, compute, threads } = options;
    const model = new ModelProcess({
      path: files.path,
      provider,
      ...(compute !== undefined && { compute }),
      ...(threads !== undefined && { threads: wholeNumber('--threads', threads) }),
    });
    try {
      return await registerModel(model, name ?? modelIdOf({ path }), lake.store, signal);
    } finally {
      await model.close();
      await files.release();
    }
  });
}

function describe(verdict: StoredVerdict): string {
  const { name, modelHash, provider, compute, graphVersion, runtime, checks, passed } = verdict;
  return [
    ...checks.map(
      (one) =>
        `${one.passed ? 'ok    ' : 'FAILED'} ${one.name}: differs by ${one.difference.toPrecision(2)}, at most ${one.tolerance.toPrecision(2)} allowed`,
    ),
    `${name} ${passed ? 'passed' : 'FAILED'} on ${provider} in ${compute} (graph ${graphVersion}, onnxruntime ${runtime})`,
    `weights ${modelHash}`,
  ].join('\n');
}

function listing(verdicts: readonly StoredVerdict[]): string {
  if (verdicts.length === 0) return 'no model has been checked';
  const header = ['model', 'hash', 'provider', 'type', 'graph', 'runtime', 'values', 'verdict', 'checked'];
  return textTable(header, verdicts.map(row));
}

function row(verdict: StoredVerdict): string[] {
  const { name, modelHash, provider, compute, graphVersion, runtime, taps, passed, checkedAt } = verdict;
  const values = `${taps.residual.length} states, ${taps.heads.length} layers of heads`;
  const end = passed ? 'passed' : 'FAILED';
  return [
    name,
    modelHash.slice(0, 12),
    provider,
    compute,
    String(graphVersion),
    runtime,
    values,
    end,
    checkedAt,
  ];
}

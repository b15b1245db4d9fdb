import type { Command } from 'commander';
import { compareRuns, type RunComparison } from '../../compute/compare/compare.ts';
import { findComparedRuns, readPairs } from '../../compute/compare/pairs.ts';
import type { Estimate, PairedCorrectness, Test } from '../../compute/compare/statistics.ts';
import { UsageError } from '../errors.ts';
import { textTable } from '../rows.ts';
import { withLake } from '../session.ts';
import {
  type AsOfOptions,
  asOfOption,
  configOf,
  interruptSignal,
  printAnswer,
  wholeNumber,
  withCommonOptions,
} from './shared.ts';

interface CompareOptions extends AsOfOptions {
  readonly confidence: string;
  readonly resamples: string;
  readonly seed: string;
  readonly flips: string;
}

/** Of one process: what its memory holds with ease. */
const MAX_EXAMPLES = 2_000_000;

export function compareCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Compares two runs of one family and benchmark on the examples that both predict, matched by example_id: accuracies and their difference, ' +
        "McNemar's exact test, by task family with Holm's correction (ChaosBench), by filter (lm-eval) or by layer (function vectors); AUROCs and DeLong's " +
        'paired test where both score the same labels. Differences are B minus A. Every number is named with its method and interval.',
    )
    .option('--flips <n>', 'print so many of the examples that flipped', '10')
    .option('--confidence <level>', 'of the intervals', '0.95')
    .option('--resamples <n>', 'of the bootstrap', '2000')
    .option('--seed <n>', 'of the bootstrap', '0')
    .addOption(asOfOption())
    .addHelpText(
      'after',
      '\nExample:\n  runlake sql "select run_id from runs where family = \'HALLULENS\'"\n' +
        '  runlake compare main/hallulens/2026-01-20/last_layer_baseline/org__model/triviaqa/seed_0 \\\n' +
        '    main/hallulens/2026-01-20/contrastive_v1/org__model/triviaqa/seed_0\n',
    )
    .action(async (a: string, b: string, options: CompareOptions) => {
      const calls = { signal: interruptSignal() };
      const shown = Number(options.flips);
      if (!Number.isInteger(shown) || shown < 0)
        throw new UsageError(`--flips ${options.flips} is no whole number from 0`);
      await withLake(configOf(options), async (lake) => {
        const snapshot = await lake.snapshot(options.asOf, calls);
        const runs = await findComparedRuns(lake, snapshot, [a, b], calls);
        const tooMany = () => new UsageError(`the runs have more than ${MAX_EXAMPLES} examples`);
        const pairs = await readPairs(lake, snapshot, runs, { ...calls, maxExamples: MAX_EXAMPLES, tooMany });
        const compared = await compareRuns(pairs, {
          ...calls,
          confidence: Number(options.confidence),
          resamples: wholeNumber('--resamples', options.resamples),
          seed: Number(options.seed),
        });
        printAnswer(options, compared, () => report(compared, shown));
      });
    });
}

function report(compared: RunComparison, shown: number): string {
  const { a, b, counts, flips, correctness, scopes, ranking, notes } = compared;
  const judged = [...(correctness === null ? [] : [correctness]), ...scopes];
  return [
    `A  ${a.id}`,
    `B  ${b.id}`,
    `${compared.common} common examples, ${compared.onlyInA} only in A, ${compared.onlyInB} only in B, ${compared.repeated} repeated; ${compared.labelsDiffer} labels differ`,
    `${counts.gained} gained (wrong in A, right in B), ${counts.lost} lost, ${counts.changed} changed otherwise, ${counts.same} the same, ${counts.incomparable} with scores only`,
    ...(judged.length === 0 ? [] : ['', correctnessTable(judged)]),
    ...(ranking === null
      ? []
      : [
          '',
          `AUROC of ${ranking.n} examples, ${ranking.positives} hallucinations`,
          textTable(
            ['A', 'B', 'B - A', 'p', ...(ranking.clusteredTest === null ? [] : ['p by prompt'])],
            [
              [
                ...[ranking.aurocA, ranking.aurocB, ranking.difference].map(estimate),
                pValue(ranking.test),
                ...(ranking.clusteredTest === null ? [] : [pValue(ranking.clusteredTest)]),
              ],
            ],
          ),
        ]),
    ...methods(judged.find(({ clusteredTest }) => clusteredTest !== null) ?? judged[0], compared),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `note: ${note}`)]),
    ...(shown === 0 || flips.length === 0 ? [] : ['', flipTable(compared, shown)]),
  ].join('\n');
}

function correctnessTable(judged: readonly PairedCorrectness[]): string {
  const clustered = judged.some((of) => of.clusteredTest !== null);
  const header = [
    'scope',
    'n',
    'only A right',
    'only B right',
    'accuracy A',
    'accuracy B',
    'B - A',
    'p',
    'p adjusted',
    ...(clustered ? ['p by prompt', 'adjusted'] : []),
  ];
  const rows = judged.map((of) => [
    of.scope,
    String(of.n),
    String(of.onlyARight),
    String(of.onlyBRight),
    estimate(of.accuracyA),
    estimate(of.accuracyB),
    estimate(of.difference),
    ...pValues(of.test),
    ...(clustered ? pValues(of.clusteredTest) : []),
  ]);
  return textTable(header, rows);
}

function methods(judged: PairedCorrectness | undefined, { scopes, ranking }: RunComparison): string[] {
  const lines = [
    ...(judged === undefined
      ? []
      : [
          `accuracies: ${named(judged.accuracyA)}; difference: ${named(judged.difference)}`,
          ...(judged.clusteredTest === null ? [] : [`p by prompt: ${judged.clusteredTest.method}`]),
          `p: ${judged.test.method}${scopes.length === 0 ? '' : `; adjusted: ${scopes[0]?.test.correction}`}`,
        ]),
    ...(ranking === null
      ? []
      : [
          `AUROCs: ${named(ranking.aurocA)}; difference: ${named(ranking.difference)}`,
          `p of AUROCs: ${ranking.test.method}`,
          ...(ranking.clusteredTest === null
            ? []
            : [`p by prompt of AUROCs: ${ranking.clusteredTest.method}`]),
        ]),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

function flipTable({ flips }: RunComparison, shown: number): string {
  const rows = flips
    .slice(0, shown)
    .map(({ kind, exampleId, a, b }) => [
      kind.toLowerCase(),
      exampleId,
      said(a.predLabel, a.predHalu, a.scoreHalu),
      said(b.predLabel, b.predHalu, b.scoreHalu),
      b.trueLabel ?? text(b.labelHalu),
    ]);
  const rest = flips.length - rows.length;
  const table = textTable(['flip', 'example', 'A', 'B', 'label'], rows);
  return rest === 0 ? table : `${table}\n… and ${rest} more`;
}

function said(answer: string | null, halu: boolean | null, score: number | null): string {
  return [answer ?? text(halu), score === null ? '' : score.toPrecision(4)].filter(Boolean).join(' ');
}

function text(halu: boolean | null): string {
  return halu === null ? '' : halu ? 'halu' : 'not halu';
}

function estimate({ value, low, high }: Estimate): string {
  const [middle, from, to] = [value, low, high].map((number) => (number === null ? '?' : number.toFixed(4)));
  return `${middle} [${from}, ${to}]`;
}

function named({ interval, confidence }: Estimate): string {
  return `${confidence * 100} % interval, ${interval}`;
}

/** Plain and corrected. */
function pValues(test: Test | null): string[] {
  if (test === null) return ['', ''];
  return [pValue(test), test.adjustedPValue === null ? '' : test.adjustedPValue.toPrecision(3)];
}

function pValue({ pValue: p }: Test): string {
  return p === null ? '?' : p.toPrecision(3);
}

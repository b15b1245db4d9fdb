import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { examine, gigabytes } from '../doctor/examine.ts';
import { type DoctorReport, doctorReportSchema } from '../doctor/report.ts';
import { textTable } from '../rows.ts';
import { type CommonOptions, print, printJson, withCommonOptions } from './shared.ts';

export function doctorCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Shows every setting with where its value came from, what the machine has, which execution providers load (each is tried\n' +
        'in a process of its own) and the verdicts of models, and checks store, queue and disk. Exit code 1 when a check fails;\n' +
        'a GPU that is not there is none.',
    )
    .action(async (options: CommonOptions) => {
      const { config, settings } = loadConfig({ flags: { store: options.store, home: options.home } });
      const report = await examine(config, settings);
      if (options.json) printJson(doctorReportSchema.parse(report));
      else print(text(report));
      if (report.checks.some((check) => !check.passed)) process.exitCode = 1;
    });
}

function text(report: DoctorReport): string {
  const { settings, versions, providers, models, checks } = report;
  return [
    textTable(
      ['setting', 'value', 'from', 'meaning'],
      settings.map((s) => [s.name, String(s.value ?? ''), s.origin, s.help]),
      Number.POSITIVE_INFINITY,
    ),
    '',
    ...machineLines(report),
    `versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version ?? 'does not load'}`)
      .join(', ')}`,
    '',
    ...providers.map(({ name, loads, reason, needs }) =>
      loads ? `ok     provider ${name}` : `none   provider ${name}: ${reason ?? ''}\n         needs ${needs}`,
    ),
    ...models.map(
      ({ name, provider, compute, graphVersion, passed, checkedAt }) =>
        `${passed ? 'ok    ' : 'FAILED'} model ${name} on ${provider} in ${compute}, graph ${graphVersion}, checked ${checkedAt}`,
    ),
    ...checks.map(({ check, passed, detail }) => `${passed ? 'ok    ' : 'FAILED'} ${check}: ${detail}`),
  ].join('\n');
}

function machineLines({ machine, memory }: DoctorReport): string[] {
  const { cores, coreLimit, memoryBytes, memoryLimitBytes, availableBytes } = machine;
  const fewer =
    coreLimit !== null && coreLimit < cores
      ? `, of which the container may use ${coreLimit.toFixed(1)}: set RUNLAKE_THREADS=${Math.max(1, Math.floor(coreLimit))}`
      : '';
  const limit = memoryLimitBytes === null ? '' : `, the container's limit is ${gigabytes(memoryLimitBytes)}`;
  return [
    `cores:    ${cores}${fewer}`,
    `memory:   ${gigabytes(memoryBytes)}, ${gigabytes(availableBytes)} available${limit}`,
    `          the query engine takes up to ${gigabytes(memory.engineBytes)}; the rest holds a model of ${(memory.modelParameters / 1e9).toFixed(2)} billion parameters in float32`,
  ];
}

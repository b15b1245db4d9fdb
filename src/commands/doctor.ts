import type { Command } from 'commander';
import { messageOf } from '../../lake/errors.ts';
import { probePutIfAbsent } from '../../lake/store/probe.ts';
import { loadConfig } from '../config.ts';
import { textTable } from '../rows.ts';
import { openLake } from '../session.ts';
import { type CommonOptions, print, printJson, withCommonOptions } from './shared.ts';

interface Check {
  readonly check: string;
  readonly passed: boolean;
  readonly detail: string;
}

export function doctorCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Shows every setting with where its value came from, and checks the store. Exit code 1 when a check fails.',
    )
    .action(async (options: CommonOptions) => {
      const { config, settings } = loadConfig({ flags: { store: options.store, home: options.home } });
      const checks: Check[] = [];
      const attempt = async (check: string, work: () => Promise<string>) => {
        try {
          checks.push({ check, passed: true, detail: await work() });
        } catch (error) {
          checks.push({ check, passed: false, detail: messageOf(error) });
        }
      };
      await attempt('node', async () => process.version);
      await attempt('lake can be read', async () => {
        const lake = await openLake(config);
        try {
          const snapshot = await lake.snapshot();
          return `${snapshot.runs.size} runs, ${Object.keys(snapshot.versions).length} tables`;
        } finally {
          await lake.close();
        }
      });
      await attempt('put-if-absent is atomic', async () => {
        const lake = await openLake(config);
        try {
          await probePutIfAbsent(lake.store);
          return 'exactly one of several concurrent writers won';
        } finally {
          await lake.close();
        }
      });
      if (options.json) printJson({ settings, checks });
      else {
        print(
          textTable(
            ['setting', 'value', 'from', 'meaning'],
            settings.map((s) => [s.name, String(s.value ?? ''), s.origin, s.help]),
          ),
        );
        print('');
        for (const { check, passed, detail } of checks)
          print(`${passed ? 'ok    ' : 'FAILED'} ${check}: ${detail}`);
      }
      if (checks.some((check) => !check.passed)) process.exitCode = 1;
    });
}

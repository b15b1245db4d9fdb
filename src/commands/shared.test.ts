import { Command } from 'commander';
import { expect, test } from 'vitest';
import { loadConfig } from '../config.ts';
import { serveCommand } from './serve.ts';
import { configOf } from './shared.ts';

const SAMPLES: Readonly<Record<string, string>> = {
  store: 'file:/x',
  log: 'error',
  memory: '3GB',
  threads: '3',
  port: '4321',
  pgPort: '5432',
};

test('every option of serve that is a setting reaches the configuration', () => {
  const command = new Command();
  serveCommand(command);
  const settings = loadConfig({ env: {}, cwd: '/' }).settings.map(({ name }) => name);
  const options = command.options.map((option) => option.attributeName());
  const names = settings.filter((name) => options.includes(name));
  expect(names).toContain('pgPort');
  for (const name of names) {
    const config = configOf({ [name]: SAMPLES[name] ?? '/sample' });
    expect(String(config[name]), name).not.toBe(String(loadConfig({ cwd: '/' }).config[name]));
  }
});

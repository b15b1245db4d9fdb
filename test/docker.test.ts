import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { COMMANDS } from '../src/commands/commands.ts';
import { SETTING_VARIABLES } from '../src/config.ts';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

const service = z.looseObject({
  image: z.string(),
  build: z.looseObject({ target: z.string().optional() }).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
});
const compose = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
const dockerfile = read('Dockerfile');

/** Where the S3 client takes its keys from. */
const SDK_VARIABLES = ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];

test('services run commands that there are, with options that they have', async () => {
  expect(ours.map(([name]) => name)).toEqual(['server', 'worker', 'gpu-worker']);
  for (const [, { command = [] }] of ours) {
    const [name, ...options] = command;
    const entry = COMMANDS.find(({ usage }) => usage.split(' ')[0] === name);
    expect(entry).toBeDefined();
    const parser = new Command(name).exitOverride();
    (await entry!.load())(parser);
    const { unknown } = parser.parseOptions(options);
    expect(unknown).toEqual([]);
  }
});

test('their settings are settings', () => {
  const known = new Set([...SETTING_VARIABLES, ...SDK_VARIABLES]);
  for (const [name, { environment }] of ours)
    for (const variable of Object.keys(environment))
      expect([name, variable, known.has(variable)]).toEqual([name, variable, true]);
});

test('ports that are published are those that the server listens to, on this machine unless somebody says otherwise', () => {
  const { environment, ports = [] } = compose.services['server']!;
  for (const [variable, port] of [
    ['RUNLAKE_PORT', ports[0]],
    ['RUNLAKE_PG_PORT', ports[1]],
  ] as const) {
    expect(port).toBe(
      `\${RUNLAKE_PUBLISHED_ADDRESS:-127.0.0.1}:${environment[variable]}:${environment[variable]}`,
    );
    expect(dockerfile).toMatch(new RegExp(`^EXPOSE .*\\b${environment[variable]}\\b`, 'm'));
  }
  expect(services.filter(([, { ports: published }]) => published !== undefined)).toHaveLength(1);
});

test('every variable has its line in .env.example, and no secret is written down', () => {
  const text = read('docker-compose.yml');
  const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name));
  const given = new Set([...read('.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name));
  expect(given).toEqual(used);
  for (const [, value] of text.matchAll(/(?:SECRET|PASSWORD)\w*: (.*)/g))
    expect(value).toMatch(/^\$\{\w+:\?/);
  expect(read('.dockerignore')).toMatch(/^\.env$/m);
  expect(read('.gitignore')).toMatch(/^\.env$/m);
});

test('images are pinned, what is waited for is there, and volumes are declared', () => {
  const images = [
    ...services.flatMap(([, { build, image }]) => (build ? [] : [image])),
    ...[...dockerfile.matchAll(/^ARG \w+=(.*)$/gm)].map(([, image]) => image),
  ];
  for (const image of images)
    expect(image).toMatch(/^[\w./-]+:(RELEASE\.[\dTZ-]+|\d+\.\d+(\.\d+)?-[\w.-]+)$/);
  for (const [name, { depends_on: dependencies = {}, volumes = [] }] of services) {
    for (const [other, { condition }] of Object.entries(dependencies)) {
      const target = compose.services[other];
      expect([name, other, target !== undefined]).toEqual([name, other, true]);
      if (condition === 'service_healthy') expect(target?.healthcheck).toBeDefined();
    }
    for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
  }
});

test('the image has what the program reads, and does not run as root', () => {
  const stages = new Set([...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage));
  for (const [, { build }] of ours) expect(stages).toContain(build?.target);
  const ignored = read('.dockerignore').split('\n');
  for (const [, paths = ''] of dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) {
    for (const path of paths.split(' ')) {
      expect([path, existsSync(new URL(`../${path}`, import.meta.url))]).toEqual([path, true]);
      expect(ignored).not.toContain(path);
    }
  }
  for (const stage of dockerfile.split(/^FROM /m).filter((text) => text.includes('ENTRYPOINT'))) {
    expect(stage).toMatch(/^USER runlake$/m);
    expect(stage).toContain('ENTRYPOINT ["node", "/app/dist/src/cli.js"]');
  }
});

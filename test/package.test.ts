import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
const versions = z.record(z.string(), z.string());
const manifest = z
  .object({ dependencies: versions, devDependencies: versions, engines: z.object({ node: z.string() }) })
  .parse(read('package.json'));
const lock = z
  .object({ packages: z.record(z.string(), z.looseObject({ optionalDependencies: versions.optional() })) })
  .parse(read('package-lock.json'));

it('pins every direct dependency exactly', () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  }
  expect(manifest.engines.node).toBe('>=20.11');
});

it('adds no run-time dependency unnoticed', () => {
  expect(Object.keys(manifest.dependencies)).toEqual([
    '@apollo/server',
    '@as-integrations/fastify',
    '@aws-sdk/client-s3',
    '@duckdb/node-api',
    '@duckdb/node-bindings',
    '@fastify/static',
    '@fontsource/dejavu-sans',
    '@huggingface/jinja',
    '@huggingface/tokenizers',
    '@opentelemetry/api',
    '@resvg/resvg-wasm',
    'apache-arrow',
    'class-validator',
    'commander',
    'fastify',
    'fzstd',
    'graphql',
    'graphql-scalars',
    'graphql-sse',
    'graphql-ws',
    'hyparquet',
    'lmdb',
    'onnxruntime-node',
    'pg',
    'pg-boss',
    'pino',
    'prom-client',
    'reflect-metadata',
    'type-graphql',
    'ws',
    'yaml',
    'zod',
    'zstddec',
  ]);
});

it('locks the packages of every platform: `npm ci` refuses a lock file that leaves some out', () => {
  for (const [path, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      const nested = `${path}/node_modules/${name}`;
      expect(
        lock.packages[nested] ?? lock.packages[`node_modules/${name}`],
        `${name} of ${path}`,
      ).toBeDefined();
    }
  }
});

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tableFromIPC } from 'apache-arrow';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { startCli } from '../support/cli.ts';
import { freshBucket, s3Missing, s3Server } from '../support/s3-server.ts';
import { smallRuns } from '../support/small-runs.ts';
import { temporaryLake } from '../support/temporary-lake.ts';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const built = existsSync(join(dist, 'src/cli.js'));
if (!built) {
  if (process.env['CI'] !== undefined)
    throw new Error('the tests of the compiled program need `npm run build`');
  console.warn('notice: no dist/ (npm run build), so what the compiler made is not tested');
}

/** Bytes, more than fit into one part. */
const LARGE = 20 * 1024 * 1024;

/** Sends bytes through the compiled store and reads them back. */
const ROUND_TRIP = `
  const { openStore } = await import(process.argv[1]);
  const store = await openStore(process.argv[2]);
  const bytes = new Uint8Array(${LARGE}).map((_, i) => i % 251);
  await store.upload('large', bytes);
  process.exit(Buffer.compare(await store.get('large'), bytes) === 0 ? 0 : 1);
`;

// All other tests run the sources, compiled by another compiler.
describe.skipIf(!built)('what the compiler made of the sources', () => {
  it('has their properties: names of classes are given aliases, names of properties are not', async () => {
    const wrong: string[] = [];
    for (const folder of ['src', 'lake', 'ingest', 'compute', 'graphql', 'bi']) {
      for (const name of await readdir(join(dist, folder), { recursive: true })) {
        if (!name.endsWith('.js')) continue;
        const text = await readFile(join(dist, folder, name), 'utf8');
        const aliases = [...text.matchAll(/^var (_[a-z](?:, _[a-z])*);$/gm)].flatMap(([, list = '']) =>
          list.split(', '),
        );
        for (const alias of aliases) {
          const property = new RegExp(`\\.${alias}\\b|[{,]\\s*${alias}\\s*[:,}]`);
          const line = text.split('\n').find((one) => property.test(one));
          if (line !== undefined) wrong.push(`${folder}/${name}: ${line.trim()}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('serves a lake by every door, and ends when it is told to', async () => {
    const home = await temporaryLake();
    const tree = temporaryTree(smallRuns(1));
    await ingest(home.writer, [tree.path], { families: FAMILIES });
    tree.remove();
    const doors = ['--port', '0', '--pg-port', '0', '--no-worker'];
    const places = ['--store', home.lake.store.uri, '--home', join(home.directory, 'served')];
    const server = startCli(join(dist, 'src/cli.js'), ['serve', ...doors, ...places], {});
    try {
      const { port } = z
        .object({ port: z.number() })
        .parse(await server.logged('the PostgreSQL door is open'));
      const { url } = z.object({ url: z.url() }).parse(await server.logged('ready'));
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ runs { nodes { method generations(first: 9) { exampleId } } } }' }),
      });
      expect(await response.json()).toMatchObject({
        data: {
          runs: {
            nodes: ['probe_v1', 'probe_v2'].map((method) => ({
              method,
              generations: Array(8).fill({ exampleId: expect.any(String) }),
            })),
          },
        },
      });
      const sql = 'SELECT layer, vector FROM activations ORDER BY ALL';
      const exported = await fetch(new URL(`/export/query.arrow?${new URLSearchParams({ sql })}`, url));
      const table = tableFromIPC(new Uint8Array(await exported.arrayBuffer()));
      expect(table.schema.fields.map(({ type }) => String(type))).toEqual([
        'Int32',
        'FixedSizeList[8]<Float32>',
      ]);
      expect(table.numRows).toBe(48);
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'analyst', database: 'runlake' });
      await client.connect();
      const { rows } = await client.query(
        'SELECT family, count(*)::INT AS n FROM runs WHERE seed = $1 GROUP BY 1',
        [0],
      );
      expect(rows).toEqual([{ family: 'HALLULENS', n: 2 }]);
      await client.end();
      server.child.kill('SIGTERM');
      expect(await server.exited).toBe(0);
    } finally {
      server.child.kill('SIGKILL');
      await server.exited;
      await home.remove();
    }
  });

  it.skipIf(s3Missing !== undefined)('uploads in parts to S3', async () => {
    const server = await s3Server(inject('s3StateFolder'));
    const settings = await freshBucket(server, 'compiled');
    const args = [join(dist, 'lake/store/open-store.js'), `s3://${settings.bucket}/compiled`];
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', ROUND_TRIP, ...args], {
      env: {
        ...process.env,
        S3_ENDPOINT: server.endpoint,
        AWS_REGION: server.region,
        AWS_ACCESS_KEY_ID: server.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      },
    });
  });
});

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { freshBucket, s3Missing, s3Server } from '../support/s3-server.ts';

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

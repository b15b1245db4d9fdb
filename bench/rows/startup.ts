import { spawn } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seconds, spread } from '../measure.ts';
import { execute } from '../processes.ts';
import { emptied, ROOT } from '../scratch.ts';
import type { Bench } from '../types.ts';

const LIMIT_SECONDS = 180;

/** From `npm start` in a fresh checkout with its dependencies to the first answered query. */
export const startup: Bench = {
  name: 'startup',
  doc: '`npm start` to the first answer on a fresh checkout after install',
  async run({ quick, scratch, log }) {
    const samples: number[] = [];
    for (let i = 0; i < (quick ? 1 : 3); i++) {
      const checkout = join(await emptied(join(scratch, 'checkout')), 'runlake');
      await execute('git', ['clone', '--quiet', '--no-hardlinks', ROOT, checkout]);
      await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
      samples.push(await firstAnswer(checkout));
      log(`${samples.at(-1)?.toFixed(1)} s`);
    }
    const times = spread(samples);
    return [
      {
        what: '`npm start` to the first answer',
        unit: 's',
        ours: times,
        value: times.median,
        target: { relation: '<', value: 60 },
        note: 'of the committed state; compiles, writes and ingests the example runs, and serves',
      },
    ];
  },
};

async function firstAnswer(checkout: string): Promise<number> {
  const port = await freePort();
  const env = { ...process.env, RUNLAKE_PORT: String(port), RUNLAKE_HOST: '127.0.0.1' };
  // A process group of its own, so that npm's children go with it.
  const child = spawn('npm', ['start'], { cwd: checkout, env, detached: true, stdio: 'ignore' });
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  try {
    return await seconds(async () => {
      const deadline = Date.now() + LIMIT_SECONDS * 1000;
      while (!(await answers(port))) {
        if (ended) throw new Error('npm start ended without serving');
        if (Date.now() > deadline) throw new Error(`no answer within ${LIMIT_SECONDS} s`);
        await sleep(100);
      }
    });
  } finally {
    if (child.pid !== undefined && !ended) process.kill(-child.pid, 'SIGTERM');
  }
}

/** Whether the server knows at least one run. */
async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ runs(first: 1) { nodes { id } } }' }),
    });
    return response.ok && (await response.text()).includes('/hallulens/');
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}

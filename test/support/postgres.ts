import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.ts';

const DEBIAN = '/usr/lib/postgresql';
const binaries = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .map((version) => join(DEBIAN, version, 'bin'))
      .filter((path) => existsSync(join(path, 'initdb')))
      .at(-1)
  : undefined;

/** What keeps the tests against a real PostgreSQL from running; undefined when nothing does. In CI nothing may. */
export const postgresMissing: string | undefined =
  binaries === undefined ? 'PostgreSQL (Debian package postgresql)' : undefined;

if (postgresMissing !== undefined) {
  if (process.env['CI'] !== undefined) throw new Error(`the tests of jobs need ${postgresMissing}`);
  console.warn(`notice: no ${postgresMissing}, so the tests against a real PostgreSQL are skipped`);
}

export interface PostgresServer {
  /** A connection string for a new, empty database. */
  database(): Promise<string>;
  /** Kills the server without warning, or starts it again on its data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root, so it runs as the user that its package made. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

/** A PostgreSQL of its own in a temporary directory. */
export async function startPostgres(): Promise<PostgresServer> {
  const user = serverUser();
  const bin = binaries ?? '';
  const path = mkdtempSync(join(tmpdir(), 'runlake-postgres-'));
  if (user.uid !== undefined) chownSync(path, user.uid, user.gid ?? user.uid);
  const data = join(path, 'data');
  const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-U', 'runlake', '-A', 'trust', '--no-sync'], {
    ...user,
    encoding: 'utf8',
    cwd: path,
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const url = (database: string) => `postgres://runlake@127.0.0.1:${port}/${database}`;
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: url('postgres') });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  };
  let child: ReturnType<typeof spawn> | undefined;
  const start = async (): Promise<void> => {
    const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', path, '-c', 'fsync=off'];
    child = spawn(join(bin, 'postgres'), args, { ...user, cwd: path, stdio: 'ignore' });
    for (let waited = 0; waited < 1_000; waited++) {
      const up = await query('SELECT 1').then(
        () => true,
        () => false,
      );
      if (up) return;
      await sleep(100);
    }
    throw new Error('PostgreSQL did not start in 100 seconds');
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    child.kill(signal);
    await gone;
  };
  await start();
  return {
    async database() {
      const name = `t${randomUUID().replaceAll('-', '')}`;
      await query(`CREATE DATABASE ${name}`);
      return url(name);
    },
    kill: () => end('SIGQUIT'),
    start,
    async stop() {
      await end('SIGQUIT');
      rmSync(path, { recursive: true, force: true });
    },
  };
}

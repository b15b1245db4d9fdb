import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { sharedDir } from './shared.ts';

/** A server to test against: a real Ceph object gateway with its data in memory. */
export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const script = sharedDir === undefined ? undefined : `${sharedDir}s3/start-rgw.sh`;
const withoutDelay = fileURLToPath(new URL('./rgw-nodelay.sh', import.meta.url));
const programs = ['ceph', 'ceph-mon', 'ceph-mgr', 'ceph-osd', 'radosgw', 'radosgw-admin', 'setsid', 'curl'];
/** A start takes 15 seconds where nothing else runs. */
const DEADLINE_MS = 90_000;

const daemons = ['rgw', 'osd', 'mgr', 'mon'];

/** What is missing to start Ceph here; undefined when nothing is. */
export function cephMissing(): string | undefined {
  if (script === undefined || !existsSync(script)) return '../shared/s3/start-rgw.sh';
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return programs.find((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

/**
 * Starts a server whose files lie in `folder`; takes about 15 s. It outlives this process: call `stopCeph`.
 * Also for scripts outside the test runner.
 */
export async function startCeph(folder: string): Promise<S3Server> {
  const missing = cephMissing();
  if (script === undefined || missing !== undefined) throw new Error(`cannot start Ceph without ${missing}`);
  await mkdir(folder, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    // The monitor gets the one after it.
    const port = await freePort(2);
    try {
      const { stdout } = await promisify(execFile)(script, [folder, String(port)], { timeout: DEADLINE_MS });
      await promisify(execFile)(withoutDelay, [folder], { timeout: DEADLINE_MS });
      return parseServer(stdout);
    } catch (error) {
      // Another process may have taken a port in between, or a daemon hangs: start afresh elsewhere.
      await stopCeph(folder);
      if (attempt === 3) throw error;
    }
  }
}

/** Ends the daemons of a folder that still run and removes the folder. */
export async function stopCeph(folder: string): Promise<void> {
  const pids: number[] = [];
  for (const name of daemons) {
    const text = await readFile(join(folder, `${name}.pid`), 'utf8').catch(() => '');
    const pid = Number.parseInt(text, 10);
    if (pid > 0 && (await belongsTo(pid, folder))) pids.push(pid);
  }
  // The data lies in memory and goes with it: an orderly end would only take longer.
  for (const pid of pids) if (await belongsTo(pid, folder)) process.kill(pid, 'SIGKILL');
  for (let i = 0; i < 100 && (await anyBelongsTo(pids, folder)); i++) await sleep(50);
  await rm(folder, { recursive: true, force: true });
}

async function anyBelongsTo(pids: readonly number[], folder: string): Promise<boolean> {
  for (const pid of pids) if (await belongsTo(pid, folder)) return true;
  return false;
}

/** Whether a process is a daemon of this very folder, and not one that got a recycled process id. */
async function belongsTo(pid: number, folder: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environment.split('\0').includes(`CEPH_CONF=${join(folder, 'ceph.conf')}`);
}

function parseServer(stdout: string): S3Server {
  const settings = Object.fromEntries(
    stdout
      .trim()
      .split(/\s+/)
      .map((pair) => pair.split('=', 2)),
  );
  const endpoint = settings['S3_ENDPOINT'];
  const accessKeyId = settings['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = settings['AWS_SECRET_ACCESS_KEY'];
  if (endpoint === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error(`start-rgw.sh printed ${JSON.stringify(stdout)}`);
  }
  return { endpoint, accessKeyId, secretAccessKey, region: settings['AWS_REGION'] ?? 'us-east-1' };
}

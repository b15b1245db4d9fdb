import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

const PROGRAMS = ['munged', 'slurmctld', 'slurmd'].map((name) => `/usr/sbin/${name}`);

/** What keeps the test with a real SLURM from running; undefined when nothing does. In CI nothing may. */
export const slurmMissing: string | undefined = PROGRAMS.every((path) => existsSync(path))
  ? undefined
  : 'SLURM (Debian packages slurm-wlm and munge)';

if (slurmMissing !== undefined) {
  if (process.env['CI'] !== undefined) throw new Error(`the test of the SLURM recipe needs ${slurmMissing}`);
  console.warn(`notice: no ${slurmMissing}, so the recipe for it is not tested`);
}

/** A cluster of this machine alone. */
export interface Slurm {
  /** Runs one of SLURM's commands; gives what it printed. */
  command(name: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** Waits for the end of a batch job; gives its final state. */
  ended(job: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the three daemons in the foreground, with keys, ports and state of their own. */
export async function startSlurm(): Promise<Slurm> {
  const directory = mkdtempSync(join(tmpdir(), 'runlake-slurm-'));
  const at = (name: string) => join(directory, name);
  for (const name of ['state', 'spool']) mkdirSync(at(name));
  // munged wants to be sure that nobody but its socket's users can reach it.
  chmodSync(directory, 0o755);
  writeFileSync(at('munge.key'), randomBytes(128), { mode: 0o400 });
  const controllerPort = await freePort(2);
  const { username } = userInfo();
  const host = hostname();
  writeFileSync(
    at('slurm.conf'),
    `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controllerPort}
SlurmdPort=${controllerPort + 1}
SlurmUser=${username}
SlurmdUser=${username}
AuthType=auth/munge
AuthInfo=socket=${at('munge.socket')}
CredType=cred/munge
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool')}
SlurmctldPidFile=${at('slurmctld.pid')}
SlurmdPidFile=${at('slurmd.pid')}
MpiDefault=none
MailProg=/bin/true
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
ReturnToService=2
NodeName=${host} CPUs=1 NodeAddr=127.0.0.1 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`,
  );
  const env = { ...process.env, SLURM_CONF: at('slurm.conf') };
  const daemons: ChildProcess[] = [];
  const start = (name: string, args: readonly string[]) => {
    const log: string[] = [];
    const child = spawn(`/usr/sbin/${name}`, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text));
    daemons.push(child);
    return log;
  };
  const stop = async (): Promise<void> => {
    for (const child of daemons.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  };
  const command: Slurm['command'] = async (name, args, more = {}) => {
    const { stdout } = await promisify(execFile)(name, [...args], { env: { ...env, ...more } });
    return stdout.trim();
  };
  const own = (name: string) => [`--${name}-file`, at(`munge.${name}`)];
  const logs = [
    start('munged', [
      '--foreground',
      ...['--socket', at('munge.socket'), '--key-file', at('munge.key')],
      ...own('pid'),
      ...own('log'),
      ...own('seed'),
    ]),
  ];
  while (!existsSync(at('munge.socket'))) await sleep(20);
  logs.push(start('slurmctld', ['-D']), start('slurmd', ['-D']));
  const idle = () => command('sinfo', ['--noheader', '--format=%T']).catch(() => '');
  for (let waited = 0; (await idle()) !== 'idle'; waited++) {
    if (waited > 1200) {
      await stop();
      throw new Error(`SLURM did not start: ${logs.flat().join('')}`);
    }
    await sleep(50);
  }
  return {
    command,
    stop,
    async ended(job) {
      for (;;) {
        const shown = await command('scontrol', ['show', 'job', job]);
        const state = /JobState=(\w+)/.exec(shown)?.[1] ?? '';
        if (!/PENDING|RUNNING|COMPLETING|CONFIGURING/.test(state)) return state;
        await sleep(50);
      }
    },
  };
}

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hasErrno } from '../errors.ts';

/**
 * A running process as other processes can check it: `machine.pid.start`. `machine` stands for the host, its
 * boot and its process-id namespace, so that equal process ids in two containers are never mixed up; `start`
 * tells a recycled process id from the original (0 where the system does not say).
 */
export function processIdentity(): string {
  identity ??= `${machine()}.${process.pid}.${startOf(process.pid) ?? '0'}`;
  return identity;
}

let identity: string | undefined;

/** Whether the process still runs; `unknown` when only its own machine could say. */
export function livenessOf(text: string): 'alive' | 'dead' | 'unknown' {
  const [where, pidText, start] = text.split('.');
  const pid = Number(pidText);
  if (where !== machine() || !Number.isSafeInteger(pid) || pid <= 0) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (hasErrno(error, 'ESRCH')) return 'dead';
  }
  const startNow = startOf(pid);
  return startNow === undefined || start === '0' || startNow === start ? 'alive' : 'dead';
}

let boot: string | undefined;

/** Differs after every start of the machine; empty where the system does not say. */
export function bootId(): string {
  boot ??= textOrEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return boot;
}

let machineName: string | undefined;

function machine(): string {
  machineName ??= createHash('sha256')
    .update(`${hostname()}\0${bootId()}\0`)
    .update(textOrEmpty(() => readlinkSync('/proc/self/ns/pid')))
    .digest('hex')
    .slice(0, 12);
  return machineName;
}

/** Start time in clock ticks since boot: field 22 of /proc/PID/stat, whose field 2 may hold spaces and parentheses. */
function startOf(pid: number): string | undefined {
  const stat = textOrEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function textOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return ''; // not Linux
  }
}

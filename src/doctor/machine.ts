import { readFile } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** What the control groups of Linux allow this process; null where they allow everything. */
export interface GroupLimits {
  readonly cores: number | null;
  readonly memoryBytes: number | null;
  /** Memory that the limited group uses; null without a limit. */
  readonly memoryUsedBytes: number | null;
}

export interface Machine {
  /** Cores that this process may use, as the operating system says. */
  readonly cores: number;
  /** Cores' worth of time that a container may use; null for all. */
  readonly coreLimit: number | null;
  readonly memoryBytes: number;
  /** Limit of a container; null for none. */
  readonly memoryLimitBytes: number | null;
  /** Memory that can be had without swapping: of the machine or of the container, whichever is less. */
  readonly availableBytes: number;
}

export async function describeMachine(): Promise<Machine> {
  const limits = await groupLimits();
  const total = totalmem();
  const limit = limits.memoryBytes !== null && limits.memoryBytes < total ? limits.memoryBytes : null;
  const free = await availableMemory();
  return {
    cores: availableParallelism(),
    coreLimit: limits.cores,
    memoryBytes: total,
    memoryLimitBytes: limit,
    availableBytes:
      limit === null ? free : Math.max(0, Math.min(free, limit - (limits.memoryUsedBytes ?? 0))),
  };
}

/** Linux counts pages of files that can be dropped at any time; elsewhere what is free. */
async function availableMemory(): Promise<number> {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec((await textOf('/proc/meminfo')) ?? '');
  return match === null ? freemem() : Number(match[1]) * 1024;
}

/**
 * The limits of the process's control groups, version 1 or 2: the least of its own group's and of those around it.
 * @param root where `proc/self/cgroup` and `sys/fs/cgroup` are
 */
export async function groupLimits(root = '/'): Promise<GroupLimits> {
  const paths = groupPaths((await textOf(join(root, 'proc/self/cgroup'))) ?? '');
  const sys = join(root, 'sys/fs/cgroup');
  let cores: number | null = null;
  let memory: { readonly limit: number; readonly used: number | null } | null = null;
  const least = async (folder: string, limitFile: string, usedFile: string) => {
    const limit = numberOf(await textOf(join(folder, limitFile)));
    if (limit !== undefined && (memory === null || limit < memory.limit))
      memory = { limit, used: numberOf(await textOf(join(folder, usedFile))) ?? null };
  };
  const share = (quota: number | undefined, period: number | undefined) => {
    if (quota === undefined || period === undefined || quota <= 0 || period <= 0) return;
    cores = Math.min(cores ?? Number.POSITIVE_INFINITY, quota / period);
  };
  for (const path of upwards(paths.unified)) {
    await least(join(sys, path), 'memory.max', 'memory.current');
    const [quota, period] = ((await textOf(join(sys, path, 'cpu.max'))) ?? '').split(' ');
    share(numberOf(quota), numberOf(period));
  }
  for (const path of upwards(paths.memory))
    await least(join(sys, 'memory', path), 'memory.limit_in_bytes', 'memory.usage_in_bytes');
  for (const path of upwards(paths.cpu)) {
    const folder = join(sys, 'cpu', path);
    share(
      numberOf(await textOf(join(folder, 'cpu.cfs_quota_us'))),
      numberOf(await textOf(join(folder, 'cpu.cfs_period_us'))),
    );
  }
  const found = memory as { readonly limit: number; readonly used: number | null } | null;
  return { cores, memoryBytes: found?.limit ?? null, memoryUsedBytes: found?.used ?? null };
}

/** The groups of a process by controller, from `/proc/self/cgroup`. */
function groupPaths(text: string): {
  unified: string | undefined;
  memory: string | undefined;
  cpu: string | undefined;
} {
  const lines = text.split('\n').map((line) => line.split(':'));
  const of = (controller: string) => lines.find(([, names]) => names?.split(',').includes(controller))?.[2];
  return { unified: lines.find(([id]) => id === '0')?.[2], memory: of('memory'), cpu: of('cpu') };
}

/** A group and those around it. In a container the path may be that outside of it: then only the last one is there. */
function upwards(path: string | undefined): string[] {
  if (path === undefined) return [];
  const all: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    all.push(at);
    if (at === '/' || at === '.') return all;
  }
}

/** A number of bytes or microseconds; undefined for `max`, nothing, and what is as good as no limit. */
function numberOf(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN);
  return Number.isFinite(value) && value < 2 ** 62 ? value : undefined;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

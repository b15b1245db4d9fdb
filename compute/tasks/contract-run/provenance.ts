import { execFile } from 'node:child_process';
import { arch, platform, release } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { jobPrefix } from '../task.ts';

const startSchema = z.object({
  /** Of the run's directory. */
  date: z.string(),
  createdAt: z.string(),
  git: z.object({ commit: z.string(), dirty: z.boolean() }),
  environment: z.object({
    python_version: z.string(),
    platform: z.string(),
    cuda: z.string().nullable(),
    node_version: z.string(),
  }),
});

/** What the first attempt of a job fixed for all later ones. */
export type JobStart = z.infer<typeof startSchema>;

/**
 * The start of a job: the first attempt writes it to the store, the others read it, so that a resumed job writes the same
 * run, whenever and wherever it goes on.
 */
export function jobStart(
  store: ObjectStore,
  jobId: string,
  date: string | undefined,
  signal: AbortSignal,
): Promise<JobStart> {
  return writtenOnce(store, `${jobPrefix(jobId)}/start.json`, startSchema, signal, async () => {
    const createdAt = new Date().toISOString();
    return {
      date: date ?? createdAt.slice(0, 10),
      createdAt,
      git: await gitState(),
      environment: {
        // The contract asks for it; there is no Python here.
        python_version: 'none',
        platform: `${platform()} ${release()} ${arch()}`,
        cuda: null,
        node_version: process.version,
      },
    };
  });
}

/** The JSON document at a key; made and written when there is none. Whoever writes first decides. */
export async function writtenOnce<T>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
  make: () => Promise<T>,
): Promise<T> {
  if ((await store.head(key, { signal })) === undefined)
    await store.putIfAbsent(key, Buffer.from(`${JSON.stringify(await make(), null, 2)}\n`), { signal });
  return schema.parse(JSON.parse(Buffer.from(await store.get(key, { signal })).toString('utf8')));
}

/** State of the checkout that Runlake runs from; an installed package has none. */
async function gitState(): Promise<JobStart['git']> {
  const cwd = dirname(fileURLToPath(import.meta.url));
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd })).stdout.trim();
  try {
    const commit = await git('rev-parse', 'HEAD');
    return { commit, dirty: (await git('status', '--porcelain', '--untracked-files=no')) !== '' };
  } catch {
    return { commit: 'unknown', dirty: false };
  }
}

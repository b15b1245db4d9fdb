import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, postgresMissing, startPostgres } from '../../test/support/postgres.ts';
import { PostgresQueue } from './postgres-queue.ts';
import { testJobQueue } from './queue.contract.ts';
import { newJobId } from './queue.ts';

describe.skipIf(postgresMissing !== undefined)('against a real PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.stop();
  });

  testJobQueue('PostgresQueue', async () => {
    const url = await server.database();
    return { open: (options) => PostgresQueue.open(url, options), remove: async () => undefined };
  });

  test('several processes may open an empty database at the same moment', async () => {
    const url = await server.database();
    const queues = await Promise.all([1, 2, 3].map(() => PostgresQueue.open(url)));
    const { id } = await queues[0]!.submit({ id: newJobId(), kind: 'fv', spec: 'nul \0 and ü' });
    expect((await queues[1]!.claim('w', ['fv']))?.spec).toBe('nul \0 and ü');
    expect((await queues[2]!.get(id))?.state).toBe('running');
    await Promise.all(queues.map((queue) => queue.close()));
  });

  test('a database that goes away is an error of the call; afterwards everything is there, watchers included', async () => {
    const queue = await PostgresQueue.open(await server.database());
    const { id } = await queue.submit({ id: newJobId(), kind: 'fv', spec: 1 });
    const seen: string[] = [];
    const watching = (async () => {
      for await (const job of queue.watch({ id })) {
        seen.push(job.state);
        if (job.state === 'completed') break;
      }
    })();
    await server.kill();
    await expect(queue.get(id)).rejects.toThrow();
    await server.start();
    const job = await queue.claim('w', ['fv']);
    expect(job).toMatchObject({ id, attempt: 1 });
    await queue.complete(job!, null);
    // Whether it listens again before or after this.
    await watching;
    expect(seen.at(-1)).toBe('completed');
    await queue.close();
  });

  test('the password is not shown', async () => {
    const url = (await server.database()).replace('runlake@', 'runlake:secret@');
    const queue = await PostgresQueue.open(url);
    expect(queue.uri).not.toContain('secret');
    await queue.close();
  });
});

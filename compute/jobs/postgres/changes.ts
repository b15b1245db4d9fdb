import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface ChangesOptions {
  readonly connectionString: string | undefined;
  readonly channel: string;
  /** Only of this job. */
  readonly id: string | undefined;
  /** Ends the watch. */
  readonly stop: AbortSignal;
}

/** How long to wait before connecting again. */
const RECONNECT_MS = 1000;

/**
 * What `look` gives of every job whose change is announced on a channel, from now on. A lost connection is replaced, and a
 * failure of `look` taken for one: a watcher outlives a restart of the server.
 */
export async function* changes<T>(
  { connectionString, channel, id, stop }: ChangesOptions,
  look: (id: string) => Promise<T | undefined>,
): AsyncGenerator<T> {
  for (let connections = 0; !stop.aborted; connections++) {
    // A pool's connections are shared; a listener needs one of its own.
    const client = new pg.Client({ connectionString });
    const changed = new Set<string>();
    let wake = (): void => undefined;
    let broken = false;
    client.on('notification', ({ payload = '' }) => {
      if (id === undefined || id === payload) changed.add(payload);
      wake();
    });
    client.on('error', () => {
      broken = true;
      wake();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      // What happened to it while there was no connection nobody tells.
      if (connections > 0 && id !== undefined) changed.add(id);
      while (!stop.aborted && !broken) {
        const ids = [...changed];
        changed.clear();
        for (const one of ids) {
          const seen = await look(one);
          if (seen !== undefined) yield seen;
        }
        if (changed.size > 0) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
          stop.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    } catch {
      await sleep(RECONNECT_MS, undefined, { signal: stop }).catch(() => undefined);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

import type { Client } from 'graphql-ws/client';
import { storedToken, type Variables } from './client.ts';
import type { Question } from './use-answer.ts';

/** `live` while the server tells changes by itself; `broken` while it cannot be reached, and is tried again. */
export type LiveState = 'connecting' | 'live' | 'broken';

const WAIT_MS = [500, 1000, 2000, 5000] as const;
const PING_MS = 10_000;
const PONG_MS = 5_000;
const ACK_MS = 5_000;
/** Before a subscription that a closing server has ended is asked for again. */
const AGAIN_MS = 1_000;

let state: LiveState = 'connecting';
const watchers = new Set<() => void>();

export function liveState(): LiveState {
  return state;
}

/** Tells when `liveState` changes. */
export function watchLiveState(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

function become(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const changed of watchers) changed();
}

let client: Promise<Client> | undefined;
let followed = 0;

/** One socket for all that a page follows, opened with the first and closed after the last. */
async function open(): Promise<Client> {
  const { createClient } = await import('graphql-ws/client');
  let pong: ReturnType<typeof setTimeout> | undefined;
  const opened = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: () => {
      const token = storedToken();
      return token === null ? {} : { authorization: `Bearer ${token}` };
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (retries) => wait(WAIT_MS[Math.min(retries, WAIT_MS.length - 1)] ?? 0),
    // From one page to the next the socket stays.
    lazyCloseTimeout: 1000,
    connectionAckWaitTimeout: ACK_MS,
    keepAlive: PING_MS,
    on: {
      connected: () => become('live'),
      closed: () => become(followed > 0 ? 'broken' : 'connecting'),
      // A server that is gone without a word leaves the socket open for minutes.
      ping: (received) => {
        if (!received) pong = setTimeout(() => opened.terminate(), PONG_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pong);
      },
    },
  });
  return opened;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Follows a subscription across broken connections and restarts of the server, until it is stopped. What happens meanwhile
 * is missed, so ask again when `liveState` becomes `live`.
 */
export function follow<T>(
  { query, schema }: Question<T>,
  variables: Variables,
  heard: (data: T) => void,
): () => void {
  let stop: (() => void) | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  followed++;
  const end = () => {
    if (!isOver) followed--;
    isOver = true;
    clearTimeout(again);
  };
  const listen = (socket: Client) => {
    if (isOver) return;
    stop = socket.subscribe(
      { query, variables },
      {
        next: ({ data }) => {
          const parsed = schema.safeParse(data);
          if (parsed.success) heard(parsed.data);
        },
        // Refused for good: whoever follows asks instead, and hears why.
        error: () => {
          become('broken');
          end();
        },
        complete: () => {
          if (!isOver) again = setTimeout(() => listen(socket), AGAIN_MS);
        },
      },
    );
  };
  client ??= open();
  // Without the code that listens, after an update of the server, the page asks.
  void client.then(listen, () => become('broken'));
  return () => {
    end();
    stop?.();
  };
}

import { createServer } from 'node:net';

/** Below those that the system hands out to clients and to `listen(0)`: no other program gets one between here and its use. */
const [FIRST, LAST] = [10_000, 30_000];

/** The first of `count` ports in a row of this machine that nothing listens on. */
export async function freePort(count = 1): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST - count));
    const row = await Promise.all(Array.from({ length: count }, (_, i) => isFree(port + i)));
    if (!row.includes(false)) return port;
  }
  throw new Error(`found no ${count} free ports in a row`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

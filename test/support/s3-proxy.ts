import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request as the proxy saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What the proxy does to a request in place of passing it on as it is. */
export type Fault =
  /** The server does the work; the client's connection breaks before an answer. */
  | { readonly kind: 'drop-answer' }
  /** The server never hears of it; the client's connection breaks. */
  | { readonly kind: 'drop-request' }
  /** An S3 error; with `afterServer` the server has done the work nevertheless. */
  | { readonly kind: 'error'; readonly status: number; readonly code: string; readonly afterServer?: boolean }
  /** Passed on after a pause. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Passed on when this has happened. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /** The answer's body breaks off after so many bytes. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The answer's body stops after so many bytes, the connection stays open. */
  | { readonly kind: 'stall'; readonly afterBytes: number };

export interface FaultRule {
  readonly match: (request: SeenRequest) => boolean;
  readonly fault: Fault;
  /** Matching requests that pass first. Default 0. */
  readonly skip?: number;
  /** How often the fault happens. Default once. */
  readonly times?: number;
}

export interface S3Proxy {
  readonly endpoint: string;
  /** All requests so far, in order of arrival. */
  readonly seen: readonly SeenRequest[];
  /** Adds a rule; the first matching rule with faults left acts. */
  inject(rule: FaultRule): void;
  /** Forgets rules and requests. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts an HTTP proxy before an S3 server. The host header passes unchanged, so signatures stay valid. */
export async function startS3Proxy(target: string): Promise<S3Proxy> {
  const upstream = new URL(target);
  const seen: SeenRequest[] = [];
  let rules: { rule: FaultRule; matched: number }[] = [];

  const faultFor = (incoming: SeenRequest): Fault | undefined => {
    for (const state of rules) {
      if (!state.rule.match(incoming)) continue;
      const { skip = 0, times = 1 } = state.rule;
      state.matched += 1;
      if (state.matched > skip && state.matched <= skip + times) return state.rule.fault;
    }
    return undefined;
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/', headers } = incoming;
    seen.push({ method, url, headers });
    const fault = faultFor({ method, url, headers });
    const body = await readAll(incoming);
    if (fault?.kind === 'drop-request') return void incoming.socket.destroy();
    if (fault?.kind === 'error' && !fault.afterServer) return answerError(outgoing, fault);
    if (fault?.kind === 'delay') await sleep(fault.ms);
    if (fault?.kind === 'hold') await fault.until;
    const { answer, answerBody } = await forward(upstream, { method, url, headers }, body);
    if (fault?.kind === 'drop-answer') return void incoming.socket.destroy();
    if (fault?.kind === 'error') return answerError(outgoing, fault);
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    if (fault?.kind === 'cut' || fault?.kind === 'stall') {
      const part = answerBody.subarray(0, fault.afterBytes);
      outgoing.write(part, () => {
        if (fault.kind === 'cut') incoming.socket.end();
      });
      return;
    }
    outgoing.end(answerBody);
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    inject: (rule) => void rules.push({ rule, matched: 0 }),
    reset: () => {
      rules = [];
      seen.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function forward(
  upstream: URL,
  { method, url, headers }: SeenRequest,
  body: Buffer,
): Promise<{ answer: IncomingMessage; answerBody: Buffer }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = upstream;
    const outgoing = request({ hostname, port, method, path: url, headers }, (answer) => {
      readAll(answer).then((answerBody) => resolve({ answer, answerBody }), reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function answerError(
  outgoing: ServerResponse,
  fault: { readonly status: number; readonly code: string },
): void {
  outgoing.writeHead(fault.status, { 'content-type': 'application/xml' });
  outgoing.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>injected</Message></Error>`,
  );
}

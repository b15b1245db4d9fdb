import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as the server got it. */
export interface SeenRequest {
  readonly path: string;
  readonly body: Record<string, unknown>;
  /** The text of the prompt, or of the last message. */
  readonly prompt: string;
  readonly authorization: string | undefined;
  /** How often this prompt was asked before. */
  readonly repeat: number;
}

/** What a misbehaving server does; undefined: it answers. */
export type Misbehaviour =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'drop'
  | 'truncate'
  | 'hang'
  | 'nonsense';

export interface OpenAiServerOptions {
  readonly respond?: (request: SeenRequest) => string;
  readonly misbehave?: (request: SeenRequest) => Misbehaviour | undefined;
  readonly logProbabilities?: boolean;
}

/** A server of the OpenAI interface whose answers depend on the prompt alone. */
export interface OpenAiServer {
  readonly baseUrl: string;
  readonly seen: readonly SeenRequest[];
  /** Requests that were under way at once, at most. */
  readonly busiest: number;
  close(): Promise<void>;
}

export async function openAiServer(options: OpenAiServerOptions = {}): Promise<OpenAiServer> {
  const seen: SeenRequest[] = [];
  const repeats = new Map<string, number>();
  let busy = 0;
  let busiest = 0;
  const answer = async (
    incoming: IncomingMessage,
    response: ServerResponse,
    leave: () => void,
  ): Promise<void> => {
    const body = JSON.parse(await text(incoming)) as Record<string, unknown>;
    const messages = body['messages'] as { content: string }[] | undefined;
    const prompt = messages?.at(-1)?.content ?? String(body['prompt']);
    const repeat = repeats.get(prompt) ?? 0;
    repeats.set(prompt, repeat + 1);
    const { authorization } = incoming.headers;
    const request = { path: incoming.url ?? '', body, prompt, authorization, repeat };
    seen.push(request);
    const trouble = options.misbehave?.(request);
    if (trouble === 'hang') return;
    // Not when it is sent: whoever has it may ask the next before that is known here.
    leave();
    if (trouble === 'drop') return void incoming.socket.destroy();
    if (typeof trouble === 'object') {
      response.writeHead(trouble.status, trouble.headers).end(trouble.body ?? 'no');
      return;
    }
    const document = JSON.stringify(completion(request, options));
    if (trouble === 'nonsense') return void response.end('<html>it works</html>');
    if (trouble === 'truncate') {
      response.writeHead(200, { 'content-length': document.length });
      response.write(document.slice(0, 40));
      setTimeout(() => incoming.socket.destroy(), 5);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(document);
  };
  const server = createServer((incoming, response) => {
    busiest = Math.max(busiest, ++busy);
    let isUnderWay = true;
    const leave = () => {
      if (isUnderWay) busy--;
      isUnderWay = false;
    };
    response.once('close', leave);
    answer(incoming, response, leave).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    seen,
    get busiest() {
      return busiest;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function completion(
  request: SeenRequest,
  { respond, logProbabilities = true }: OpenAiServerOptions,
): unknown {
  const content = respond === undefined ? `answer to ${request.prompt}` : respond(request);
  const tokens = content.split(/(?=\s)/);
  const logprobs = tokens.map((token, i) => ({ token, logprob: -hashFraction(`${request.prompt}/${i}`) }));
  const isChat = request.path.endsWith('/chat/completions');
  const wanted = logProbabilities && request.body['logprobs'] !== undefined;
  const choice = isChat
    ? {
        index: 0,
        message: { role: 'assistant', content },
        finish_reason: 'stop',
        ...(wanted && { logprobs: { content: logprobs } }),
      }
    : {
        index: 0,
        text: content,
        finish_reason: 'stop',
        ...(wanted && {
          logprobs: { tokens, token_logprobs: logprobs.map(({ logprob }) => logprob), top_logprobs: [] },
        }),
      };
  return {
    id: 'cmpl-1',
    object: isChat ? 'chat.completion' : 'text_completion',
    model: request.body['model'],
    choices: [choice],
    usage: { prompt_tokens: request.prompt.split(' ').length, completion_tokens: tokens.length },
  };
}

/** A number in [0, 1) that depends on the text. */
export function hashFraction(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32LE(0) / 2 ** 32;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, messageOf, RunlakeError } from '../../../../lake/errors.ts';
import { EndpointRefusedError } from '../errors.ts';

/** One request failed for good; others may succeed. */
export class RequestFailedError extends RunlakeError {
  readonly code: string;
  /** False where the endpoint understood the request and refused it: that it is there is certain then. */
  readonly isOutage: boolean;
  constructor(code: string, message: string, isOutage: boolean, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.isOutage = isOutage;
  }
}

export interface HttpOptions {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
}

const MAX_DELAY_MS = 60_000;
/** A server that wants to be left alone for longer has the example fail; the job's next attempt asks again. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;
const MAX_BODY_BYTES = 64 * 2 ** 20;
const SHOWN = 300;

/** Refusals that hold for every request. */
const REFUSED = new Set([401, 403, 404, 405]);
/** Failures that pass. */
const PASSING = new Set([408, 409, 425, 429]);

/** What went wrong with one try, and when to try again. */
interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** Posts JSON with retries. When the server asks for a pause, all requests wait for it. */
export class JsonClient {
  readonly #options: HttpOptions;
  #notBefore = 0;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Posts `body` and gives what `read` makes of the answer; an answer that it throws on counts as a failure that may pass.
   * @throws RequestFailedError after the last retry, or at once for a request that the server does not accept;
   *   EndpointRefusedError; CancelledError
   */
  async post<T>(
    path: string,
    body: unknown,
    read: (document: unknown) => T,
    signal: AbortSignal,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      await this.#pause(this.#notBefore - Date.now(), signal);
      const outcome = await this.#once(path, body, read, signal);
      if ('value' in outcome) return outcome.value;
      const { code, message, retryAfterMs, cause } = outcome.trouble;
      const isLast = attempt >= this.#options.retries || (retryAfterMs ?? 0) > MAX_RETRY_AFTER_MS;
      if (isLast) throw new RequestFailedError(code, `${message}, ${attempt + 1} tries`, true, cause);
      if (retryAfterMs !== undefined) this.#notBefore = Math.max(this.#notBefore, Date.now() + retryAfterMs);
      await this.#pause(Math.max(retryAfterMs ?? 0, this.#delay(attempt)), signal);
    }
  }

  async #once<T>(
    path: string,
    body: unknown,
    read: (document: unknown) => T,
    signal: AbortSignal,
  ): Promise<{ readonly value: T } | { readonly trouble: Trouble }> {
    const { baseUrl, apiKey, timeoutMs } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    let status: number | undefined;
    let text: string;
    let retryAfterMs: number | undefined;
    try {
      const response = await fetch(`${baseUrl.replace(/\/+$/, '')}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify(body),
        // A key is for the address that was named.
        redirect: 'error',
        signal: AbortSignal.any([signal, timeout]),
      });
      status = response.status;
      retryAfterMs = retryAfter(response.headers.get('retry-after'));
      text = await bodyText(response);
    } catch (error) {
      if (signal.aborted) throw new CancelledError('asking the endpoint', signal.reason);
      const [code, message] = timeout.aborted
        ? ['ENDPOINT_TIMEOUT', `no answer within ${timeoutMs / 1000} s`]
        : ['ENDPOINT_CONNECTION', `the connection failed: ${this.#clean(reasonOf(error))}`];
      return { trouble: { code, message, cause: error } };
    }
    if (status < 200 || status > 299) {
      const message = `HTTP ${status}: ${this.#clean(text)}`;
      if (REFUSED.has(status)) throw new EndpointRefusedError(`${baseUrl}${path}: ${message}`);
      if (status < 500 && !PASSING.has(status))
        throw new RequestFailedError('REQUEST_REFUSED', message, false);
      const code = status === 429 ? 'ENDPOINT_RATE_LIMIT' : 'ENDPOINT_ERROR';
      return { trouble: { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) } };
    }
    try {
      return { value: read(JSON.parse(text)) };
    } catch (error) {
      const message = `an answer that is none: ${this.#clean(text) || '(empty)'}`;
      return { trouble: { code: 'ENDPOINT_BAD_ANSWER', message, cause: error } };
    }
  }

  /** Doubles; spread, so that requests that failed together part. */
  #delay(attempt: number): number {
    return Math.min(MAX_DELAY_MS, this.#options.retryDelayMs * 2 ** attempt) * (0.75 + Math.random() / 2);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new CancelledError('asking the endpoint', signal.reason);
    if (ms <= 0) return;
    try {
      await sleep(ms, undefined, { signal });
    } catch {
      throw new CancelledError('asking the endpoint', signal.reason);
    }
  }

  /** A part of what a server said, short, on one line and without the key, which some repeat. */
  #clean(text: string): string {
    const { apiKey } = this.#options;
    const hidden = apiKey === undefined || apiKey === '' ? text : text.replaceAll(apiKey, '***');
    return hidden.slice(0, SHOWN).replace(/\s+/g, ' ').trim();
  }
}

/** `fetch` says "fetch failed"; why is in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : messageOf(cause);
}

async function bodyText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`an answer of more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Seconds or a date, as RFC 9110 has it. */
export function retryAfter(value: string | null, now: number = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

import { z } from 'zod';

/** A GraphQL request was refused, or no answer came. */
export class ApiError extends Error {
  /** As in `extensions.code`; `NETWORK` without an answer. */
  readonly code: string;
  /** What to do, where the server says so. */
  readonly remedy: string | undefined;
  /** All that the server says of it: `extensions`. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    code: string,
    remedy?: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.remedy = remedy;
    this.details = details;
  }
}

const answer = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.object({
        message: z.string(),
        extensions: z.looseObject({ code: z.string().optional(), remedy: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});

const TOKEN = 'runlake.token';

/** The bearer token of this browser session, for servers that ask for one. */
export function storedToken(): string | null {
  return sessionStorage.getItem(TOKEN);
}

export function storeToken(token: string): void {
  if (token === '') sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, token);
}

export function requestHeaders(accept: string): Record<string, string> {
  const token = storedToken();
  return {
    'content-type': 'application/json',
    accept,
    ...(token !== null && { authorization: `Bearer ${token}` }),
  };
}

/** The first error of an answer. @throws ApiError */
export function dataOf<T>(body: unknown, schema: z.ZodType<T>): T {
  const { data, errors } = answer.parse(body);
  const [error] = errors ?? [];
  if (error !== undefined) {
    const { code = 'UNKNOWN', remedy } = error.extensions ?? {};
    throw new ApiError(error.message, code, remedy, error.extensions);
  }
  return schema.parse(data);
}

export type Variables = Readonly<Record<string, unknown>>;

/** Sends a JSON text to the server as whoever uses this tab. @throws ApiError without an answer */
export async function send(
  path: string,
  json: string,
  accept: string,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(path, { method: 'POST', headers: requestHeaders(accept), body: json, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError('the server does not answer', 'NETWORK', 'see whether it still runs');
  }
}

/** Data of one GraphQL request, checked against the shape that the page expects. @throws ApiError */
export async function ask<T>(
  query: string,
  schema: z.ZodType<T>,
  variables: Variables,
  signal: AbortSignal,
): Promise<T> {
  const response = await send('/graphql', JSON.stringify({ query, variables }), 'application/json', signal);
  return dataOf(await response.json(), schema);
}

import { hasErrno, messageOf, RunlakeError } from '../lake/errors.ts';

/** The command was called in a way that cannot work. Exit code 2. */
export class UsageError extends RunlakeError {
  readonly code = 'USAGE';
}

/** No server answers at the address that was given. */
export class UnreachableError extends RunlakeError {
  readonly code = 'SERVER_UNREACHABLE';
}

const USAGE: ReadonlySet<string> = new Set(['USAGE', 'CONFIG_INVALID', 'SOURCE_NOT_FOUND']);

/** Whether it was the call that could not work, and not what it was about: exit code 2. */
export function isUsage(error: unknown): boolean {
  return error instanceof RunlakeError && USAGE.has(error.code);
}

const OTHER_PORT =
  '\n  try:      another port: --port (RUNLAKE_PORT) and --pg-port (RUNLAKE_PG_PORT); 0 takes a free one';

/** What a command line prints for an error: what happened, where, what was expected, what to do. */
export function describeError(error: unknown): string {
  if (!(error instanceof RunlakeError)) {
    return `error: ${messageOf(error)}${hasErrno(error, 'EADDRINUSE') ? OTHER_PORT : ''}`;
  }
  const { file, line, pointer } = error.where ?? {};
  const place = [file, line, pointer].filter((part) => part !== undefined).join(':');
  return [
    `error: ${error.message} [${error.code}]`,
    ...(place === '' ? [] : [`  where:    ${place}`]),
    ...(error.expected === undefined ? [] : [`  expected: ${error.expected}`]),
    ...(error.remedy === undefined ? [] : [`  try:      ${error.remedy}`]),
  ].join('\n');
}

/** The same for programs. */
export function errorObject(error: unknown): Record<string, unknown> {
  if (!(error instanceof RunlakeError)) return { error: { code: 'INTERNAL', message: messageOf(error) } };
  const { code, message, where, expected, remedy } = error;
  return { error: { code, message, where, expected, remedy } };
}

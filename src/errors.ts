import { messageOf, RunlakeError } from '../lake/errors.ts';

/** The command was called in a way that cannot work. Exit code 2. */
export class UsageError extends RunlakeError {
  readonly code = 'USAGE';
}

/** What a command line prints for an error: what happened, where, what was expected, what to do. */
export function describeError(error: unknown): string {
  if (!(error instanceof RunlakeError)) return `error: ${messageOf(error)}`;
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

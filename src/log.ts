import pino from 'pino';

/** Members of a log line that are shown otherwise, or not at all. */
const SHOWN_OTHERWISE: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'err']);

/** A logger: JSON lines for machines, readable lines on a terminal. */
export function openLogger(level: string, stream: NodeJS.WriteStream & { fd: number }): pino.Logger {
  const options = { level, base: undefined };
  if (stream.isTTY !== true) return pino(options, pino.destination(stream.fd));
  return pino(options, { write: (line: string) => void stream.write(readableLine(line)) });
}

/** `17:51:03 warn  heartbeat failed  job=job-1`, with the stack of an error below. */
export function readableLine(line: string): string {
  const record = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const { level, time, msg, err } = record;
  const name = typeof level === 'number' ? (pino.levels.labels[level] ?? String(level)) : '';
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const fields = Object.entries(record)
    .filter(([key]) => !SHOWN_OTHERWISE.has(key))
    .map(([key, value]) => `  ${key}=${shown(value)}`);
  const text = `${clock} ${name === 'info' ? '' : `${name} `}${String(msg ?? '')}${fields.join('')}\n`;
  return err === undefined ? text : `${text}${errorText(err)}\n`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(typeof value === 'number' ? Math.round(value * 1000) / 1000 : value);
}

function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return String(err);
  const stack = 'stack' in err ? err.stack : undefined;
  return typeof stack === 'string' ? stack : JSON.stringify(err);
}

import { isUtf8 } from 'node:buffer';
import { CancelledError } from '../../../../lake/errors.ts';

/** A line that is not UTF-8; `text` has U+FFFD where bytes could not be decoded. */
export interface DamagedLine {
  readonly line: number;
  readonly text: string;
}

/** Consecutive lines of a text file. */
export interface LineBatch {
  /** 1-based number of `lines[0]`. */
  readonly firstLine: number;
  /** Without line ends; a carriage return before the line feed is kept. */
  readonly lines: readonly string[];
  /** Indices into `lines` that are not UTF-8. */
  readonly damaged: ReadonlySet<number>;
  /** The last line of the file is in `lines` and had no line feed. */
  readonly unterminated: boolean;
}

/** Lines longer than this are cut: nothing an experiment writes comes near it. */
export const MAX_LINE_BYTES = 256 * 1024 * 1024;

const NONE: ReadonlySet<number> = new Set();

function decode(bytes: Buffer, firstLine: number, unterminated: boolean): LineBatch {
  const text = bytes.toString('utf8');
  const lines = text.split('\n');
  if (!unterminated) lines.pop();
  if (firstLine === 1 && lines[0]?.startsWith('\ufeff')) lines[0] = lines[0].slice(1);
  if (isUtf8(bytes)) return { firstLine, lines, damaged: NONE, unterminated };
  const damaged = new Set<number>();
  let start = 0;
  for (let i = 0; i < lines.length; i++) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) damaged.add(i);
    start = end + 1;
  }
  return { firstLine, lines, damaged, unterminated };
}

/**
 * Splits a byte stream into lines, a chunk at a time: memory is one chunk and one line. A byte order mark is
 * dropped.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<LineBatch> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let line = 1;
  for await (const chunk of chunks) {
    if (signal?.aborted) throw new CancelledError('reading lines', signal.reason);
    const last = chunk.lastIndexOf(10);
    if (last === -1 && pendingBytes + chunk.length <= MAX_LINE_BYTES) {
      pending.push(chunk);
      pendingBytes += chunk.length;
      continue;
    }
    const end = last === -1 ? 0 : last + 1;
    const complete = Buffer.concat([...pending, chunk.subarray(0, end)]);
    if (last === -1) {
      yield decode(complete, line, true);
      pending = [chunk];
    } else {
      const batch = decode(complete, line, false);
      line += batch.lines.length;
      yield batch;
      pending = end < chunk.length ? [chunk.subarray(end)] : [];
    }
    pendingBytes = pending.length === 0 ? 0 : pending[0]!.length;
  }
  if (pendingBytes > 0) yield decode(Buffer.concat(pending), line, true);
}

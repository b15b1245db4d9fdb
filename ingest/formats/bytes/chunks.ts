import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CancelledError, messageOf, RunlakeError } from '../../../lake/errors.ts';
import { FormatError } from '../errors.ts';
import { ahead } from './ahead.ts';
import type { ByteSource } from './byte-source.ts';

/** What a sequential reader takes: a source, or chunks of any size, e.g. of `ObjectStore.stream`. */
export type ByteInput = ByteSource | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface ChunkOptions {
  readonly signal?: AbortSignal;
  /** For messages. */
  readonly file?: string;
}

/** The bytes of an input in order, of a gzip input (known by its magic number) decompressed; memory is bounded. */
export async function* textChunks(
  input: ByteInput,
  options: ChunkOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, file } = options;
  const raw = 'read' in input ? ahead(sourceChunks(input, signal), 1) : iterate(input);
  const head = await takeHead(raw);
  const whole = concatenate(head, raw);
  const bytes = isGzip(head) ? gunzip(whole, file ?? ('read' in input ? input.name : 'input')) : whole;
  for await (const chunk of bytes) {
    if (signal?.aborted) throw new CancelledError(`reading ${file ?? 'a file'}`, signal.reason);
    yield chunk;
  }
}

/** A source in chunks of `chunkSize` bytes. */
export async function* sourceChunks(
  source: ByteSource,
  signal?: AbortSignal,
  chunkSize = 1024 * 1024,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < source.size; start += chunkSize) {
    yield await source.read(start, Math.min(start + chunkSize, source.size), signal);
  }
}

async function* iterate(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

/** Chunks until two bytes are known: a stream may begin with tiny ones. */
async function takeHead(chunks: AsyncGenerator<Uint8Array, void, undefined>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* concatenate(
  head: Uint8Array,
  rest: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (head.length > 0) yield head;
    yield* rest;
  } finally {
    // Who stops at the head has not begun with the rest, which holds the file open.
    await rest.return();
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** @throws FormatError `BAD_GZIP`, `TRUNCATED` after what could be decompressed has been handed out */
async function* gunzip(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  file: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const input = Readable.from(chunks, { objectMode: false });
  const output = createGunzip({ chunkSize: 256 * 1024 });
  input.on('error', (error) => output.destroy(error));
  try {
    for await (const chunk of input.pipe(output)) yield chunk;
  } catch (error) {
    if (error instanceof RunlakeError) throw error;
    const cut = messageOf(error).includes('unexpected end');
    throw new FormatError(cut ? 'TRUNCATED' : 'BAD_GZIP', `${file}: damaged gzip: ${messageOf(error)}`, {
      where: { file },
      remedy: 'copy the file again from its origin',
      cause: error,
    });
  } finally {
    input.destroy();
    output.destroy();
  }
}

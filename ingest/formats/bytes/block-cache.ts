import { CancelledError, InvalidArgumentError } from '../../../lake/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { checkRange } from './range-check.ts';

export interface BlockCacheOptions {
  /** Bytes of one cached block, a power of two. Default 256 KiB: few requests for S3, little waste for a page. */
  readonly blockSize?: number;
  /** Bound of what is cached, in bytes. Default 32 MiB. */
  readonly maxBytes?: number;
  /** How far sequential reading is run ahead, in bytes; at most half of `maxBytes`. Default 0: not at all. */
  readonly readAhead?: number;
}

/**
 * Wraps a source so that small reads come from aligned blocks in memory (least recently used are dropped).
 * Missing neighbours are fetched in one request; concurrent readers of a block share one request; ranges larger
 * than half the cache pass through. Once reads follow one another, blocks ahead are fetched in the background.
 * A caller's abort ends its wait, not the shared request.
 */
export function withBlockCache(source: ByteSource, options: BlockCacheOptions = {}): ByteSource {
  const blockSize = options.blockSize ?? 256 * 1024;
  const maxBytes = options.maxBytes ?? 32 * 1024 * 1024;
  if (!Number.isInteger(Math.log2(blockSize)) || maxBytes < 2 * blockSize) {
    throw new InvalidArgumentError(`block size ${blockSize} of a cache of ${maxBytes} bytes`, {
      expected: 'a power of two, at most half of the cache',
    });
  }
  const maxBlocks = Math.floor(maxBytes / blockSize);
  const maxAhead = Math.min(Math.floor((options.readAhead ?? 0) / blockSize), maxBlocks >> 1);
  const blockCount = Math.ceil(source.size / blockSize);
  const blocks = new Map<number, Promise<Uint8Array>>();
  let lastBlock = -1;
  let window = 1;

  /** Starts one request for the missing blocks `[first, end)`, which become separate entries. */
  function fetchRun(first: number, end: number): void {
    const start = first * blockSize;
    const run = source.read(start, Math.min(end * blockSize, source.size));
    for (let index = first; index < end; index++) {
      const from = (index - first) * blockSize;
      // A copy, so that a block that stays does not keep the whole run's buffer.
      const block = run.then((bytes) => (end - first === 1 ? bytes : bytes.slice(from, from + blockSize)));
      block.catch(() => blocks.get(index) === block && blocks.delete(index));
      blocks.set(index, block);
    }
    for (const index of blocks.keys()) {
      if (blocks.size <= maxBlocks) break;
      blocks.delete(index);
    }
  }

  function ensure(first: number, end: number): void {
    for (let index = first; index < end; index++) {
      const known = blocks.get(index);
      if (known !== undefined) {
        blocks.delete(index);
        blocks.set(index, known);
        continue;
      }
      const from = index;
      while (index + 1 < end && !blocks.has(index + 1)) index++;
      fetchRun(from, index + 1);
    }
  }

  /** Doubles the window while reads follow one another and forgets it at the first jump. */
  function runAhead(first: number, end: number): void {
    const sequential = first === lastBlock || first === lastBlock + 1;
    if (!sequential) window = 1;
    else if (end - 1 > lastBlock) window = Math.min(window * 2, maxAhead);
    lastBlock = end - 1;
    if (!sequential || maxAhead === 0) return;
    // Topping up only when half of the window is used keeps requests large.
    const stop = Math.min(end + window, blockCount);
    if (end < stop && !blocks.has(Math.min(end + (window >> 1), stop - 1))) ensure(end, stop);
  }

  return {
    name: source.name,
    size: source.size,
    async read(start, end, signal) {
      checkRange(source.name, source.size, start, end);
      if (signal?.aborted) throw new CancelledError(`reading ${source.name}`, signal.reason);
      if (start === end) return new Uint8Array(0);
      if (end - start > maxBytes / 2) return source.read(start, end, signal);
      const first = Math.floor(start / blockSize);
      const stop = Math.ceil(end / blockSize);
      ensure(first, stop);
      // Taken before anything is awaited: later reads may evict them.
      const parts = Array.from({ length: stop - first }, (_, i) => blocks.get(first + i)!);
      runAhead(first, stop);
      const bytes = await abortable(parts.length === 1 ? parts : Promise.all(parts), source.name, signal);
      return join(bytes, start - first * blockSize, end - start);
    },
    async close() {
      blocks.clear();
      await source.close();
    },
  };
}

async function abortable(
  work: Promise<Uint8Array[]> | Promise<Uint8Array>[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const all = Array.isArray(work) ? work[0]!.then((bytes) => [bytes]) : work;
  if (signal === undefined) return all;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new CancelledError(`reading ${name}`, signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([all, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function join(blocks: readonly Uint8Array[], offset: number, length: number): Uint8Array {
  if (blocks.length === 1) return blocks[0]!.subarray(offset, offset + length);
  const out = new Uint8Array(length);
  let filled = 0;
  for (const block of blocks) {
    const part = block.subarray(filled === 0 ? offset : 0, (filled === 0 ? offset : 0) + length - filled);
    out.set(part, filled);
    filled += part.length;
  }
  return out;
}

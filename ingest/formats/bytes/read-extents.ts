import type { ByteRange } from '../../../lake/store/object-store.ts';
import type { ByteSource } from './byte-source.ts';

export interface ReadExtentsOptions {
  /** Ranges this close are read in one request, in bytes. Default 64 KiB: cheaper than a request to S3. */
  readonly maxGap?: number;
  /** A request grows no further by coalescing, in bytes. Default 4 MiB. */
  readonly maxRequest?: number;
  /** Requests in flight. Default 8, or 32 when they are small and latency is what they cost. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads many ranges with few, parallel requests; the answer is in the order of `extents`, as views of what was
 * read. Memory: the sum of the ranges plus the gaps between coalesced ones.
 */
export async function readExtents(
  source: ByteSource,
  extents: readonly ByteRange[],
  options: ReadExtentsOptions = {},
): Promise<Uint8Array[]> {
  const requests = coalesce(extents, options.maxGap ?? 64 * 1024, options.maxRequest ?? 4 * 1024 * 1024);
  const answers = new Array<Uint8Array>(extents.length);
  let next = 0;
  async function work(): Promise<void> {
    while (next < requests.length) {
      const request = requests[next++]!;
      const bytes = await source.read(request.start, request.end, options.signal);
      for (const index of request.members) {
        const extent = extents[index]!;
        answers[index] = bytes.subarray(extent.start - request.start, extent.end - request.start);
      }
    }
  }
  const total = requests.reduce((sum, { start, end }) => sum + end - start, 0);
  const concurrency = options.concurrency ?? (total / requests.length < SMALL_REQUEST ? 32 : 8);
  const workers = Math.min(concurrency, requests.length);
  await Promise.all(Array.from({ length: workers }, work));
  return answers;
}

const SMALL_REQUEST = 256 * 1024;

interface Request {
  readonly start: number;
  end: number;
  /** Indexes of the extents inside. */
  readonly members: number[];
}

function coalesce(extents: readonly ByteRange[], maxGap: number, maxRequest: number): Request[] {
  const order = extents.map((_, index) => index);
  order.sort((a, b) => extents[a]!.start - extents[b]!.start);
  const requests: Request[] = [];
  let last: Request | undefined;
  for (const index of order) {
    const { start, end } = extents[index]!;
    if (
      last !== undefined &&
      start - last.end <= maxGap &&
      Math.max(end, last.end) - last.start <= maxRequest
    ) {
      last.end = Math.max(last.end, end);
      last.members.push(index);
    } else {
      last = { start, end, members: [index] };
      requests.push(last);
    }
  }
  return requests;
}

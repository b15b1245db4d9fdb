import type { ObjectStore } from '../../../lake/store/object-store.ts';

/** Types of elements, little-endian, with the value of what was never written. */
const TYPES = {
  float16: { code: '<f2', size: 2, fill: 0 },
  float32: { code: '<f4', size: 4, fill: 0 },
  logprob: { code: '<f4', size: 4, fill: 'NaN' },
  length: { code: '<i4', size: 4, fill: 0 },
  token: { code: '<i4', size: 4, fill: -1 },
} as const;
export type ArrayType = keyof typeof TYPES;

const FILL_BITS: Readonly<Record<ArrayType, number>> = {
  float16: 0,
  float32: 0,
  // As numpy writes a NaN.
  logprob: 0x7fc00000,
  length: 0,
  token: 0xffffffff,
};

export interface ArrayShape {
  readonly shape: readonly number[];
  readonly chunks: readonly number[];
}

/**
 * Writes an uncompressed Zarr array (format 2, C order, `.` between the chunk's coordinates) row by row in the order of the
 * first axis. One row of chunks is held; chunks of which nothing was written are left out.
 */
export class ArrayWriter {
  readonly #store: ObjectStore;
  readonly #root: string;
  readonly #type: ArrayType;
  readonly #shape: readonly number[];
  readonly #chunks: readonly number[];
  readonly #signal: AbortSignal;
  /** By the coordinates after the first. */
  readonly #open = new Map<string, Uint8Array>();
  #row = 0;

  private constructor(
    store: ObjectStore,
    root: string,
    type: ArrayType,
    { shape, chunks }: ArrayShape,
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#root = root;
    this.#type = type;
    this.#shape = shape;
    this.#chunks = chunks;
    this.#signal = signal;
  }

  static async create(
    store: ObjectStore,
    root: string,
    type: ArrayType,
    layout: ArrayShape,
    signal: AbortSignal,
  ): Promise<ArrayWriter> {
    const { code, fill } = TYPES[type];
    await putJson(
      store,
      `${root}/.zarray`,
      {
        chunks: layout.chunks,
        compressor: null,
        dtype: code,
        fill_value: fill,
        filters: null,
        order: 'C',
        shape: layout.shape,
        zarr_format: 2,
      },
      signal,
    );
    return new ArrayWriter(store, root, type, layout, signal);
  }

  /** Writes runs of elements along the last axis into the row that follows; what no run covers stays unwritten. */
  async row(runs: Iterable<{ readonly at: readonly number[]; readonly bytes: Uint8Array }>): Promise<void> {
    const rows = this.#chunks[0]!;
    for (const { at, bytes } of runs) this.#place([this.#row % rows, ...at], bytes);
    this.#row++;
    if (this.#row % rows === 0) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
  }

  /** Puts a run into the chunks that it crosses. `position` is that of its first element; the first axis is in the chunk. */
  #place(position: readonly number[], bytes: Uint8Array): void {
    const { size } = TYPES[this.#type];
    const last = this.#shape.length - 1;
    const width = this.#chunks[last]!;
    const begin = position[last]!;
    const end = begin + bytes.length / size;
    for (let at = begin; at < end; ) {
      const stop = Math.min(end, (Math.floor(at / width) + 1) * width);
      const here = position.with(last, at);
      const coordinates = here.slice(1).map((value, axis) => Math.floor(value / this.#chunks[axis + 1]!));
      let offset = 0;
      for (const [axis, value] of here.entries())
        offset = offset * this.#chunks[axis]! + (axis === 0 ? value : value % this.#chunks[axis]!);
      this.#chunk(coordinates.join('.')).set(
        bytes.subarray((at - begin) * size, (stop - begin) * size),
        offset * size,
      );
      at = stop;
    }
  }

  #chunk(coordinates: string): Uint8Array {
    const known = this.#open.get(coordinates);
    if (known !== undefined) return known;
    const { size } = TYPES[this.#type];
    const elements = this.#chunks.reduce((product, extent) => product * extent, 1);
    const chunk = new Uint8Array(elements * size);
    if (FILL_BITS[this.#type] !== 0) {
      const view = new DataView(chunk.buffer);
      for (let i = 0; i < elements; i++) view.setUint32(i * size, FILL_BITS[this.#type], true);
    }
    this.#open.set(coordinates, chunk);
    return chunk;
  }

  async #flush(): Promise<void> {
    const first = Math.floor((this.#row - 1) / this.#chunks[0]!);
    for (const [coordinates, bytes] of this.#open) {
      const name = coordinates === '' ? String(first) : `${first}.${coordinates}`;
      await this.#store.put(`${this.#root}/${name}`, bytes, { signal: this.#signal });
    }
    this.#open.clear();
  }
}

/** Writes a one-dimensional array of texts (`vlen-utf8`) in one chunk. */
export async function writeTexts(
  store: ObjectStore,
  root: string,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const metadata = {
    chunks: [texts.length],
    compressor: null,
    dtype: '|O',
    fill_value: '',
    filters: [{ id: 'vlen-utf8' }],
    order: 'C',
    shape: [texts.length],
    zarr_format: 2,
  };
  await putJson(store, `${root}/.zarray`, metadata, signal);
  const pieces: Uint8Array[] = [uint32(texts.length)];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    pieces.push(uint32(bytes.length), bytes);
  }
  await store.put(`${root}/0`, Buffer.concat(pieces), { signal });
}

/** Writes a metadata document, indented as zarr-python does. */
export async function putJson(
  store: ObjectStore,
  key: string,
  value: object,
  signal: AbortSignal,
): Promise<void> {
  await store.put(key, Buffer.from(JSON.stringify(value, null, 4)), { signal });
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

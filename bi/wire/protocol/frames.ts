import { WireError } from './sqlstate.ts';

/** One message of a client, without its length. Startup packets have no type. */
export interface Frame {
  /** The ASCII letter of the message; undefined for startup packets. */
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** What PostgreSQL allows for a startup packet (MAX_STARTUP_PACKET_LENGTH). */
const STARTUP_LIMIT = 10_000;

/**
 * Cuts a byte stream into messages, however the network split it. Holds at most one incomplete message, whose
 * announced length is checked before anything of it is kept.
 *
 * Source: PostgreSQL manual, "Message Formats": a type byte (except in startup packets), then an int32 length that
 * counts itself.
 */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #startup = true;
  #limit: number;

  /** @param limit most bytes of one message */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that wait for the rest of their message. */
  get pending(): number {
    return this.#length;
  }

  set limit(bytes: number) {
    this.#limit = bytes;
  }

  /** From the next frame on, messages have types. */
  endStartup(): void {
    this.#startup = false;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /**
   * The next whole message, or undefined until more bytes come.
   * @throws WireError (protocol violation) when its length cannot be
   */
  next(): Frame | undefined {
    const head = this.#startup ? 0 : 1;
    if (this.#length < head + 4) return undefined;
    if ((this.#chunks[0]?.length ?? 0) < head + 4) this.#chunks = [Buffer.concat(this.#chunks)];
    const first = this.#chunks[0] ?? Buffer.alloc(0);
    const length = first.readInt32BE(head);
    const limit = this.#startup ? STARTUP_LIMIT : this.#limit;
    if (length < 4 || length > limit) {
      throw new WireError('protocolViolation', `invalid message length ${length}`, {
        expected: `4 to ${limit} bytes`,
      });
    }
    const end = head + length;
    if (this.#length < end) return undefined;
    const all = first.length >= end ? first : Buffer.concat(this.#chunks);
    const rest = first.length >= end ? this.#chunks.slice(1) : [];
    const left = all.subarray(end);
    this.#chunks = left.length > 0 ? [left, ...rest] : rest;
    this.#length -= end;
    return {
      type: this.#startup ? undefined : String.fromCharCode(first[0] ?? 0),
      body: all.subarray(head + 4, end),
    };
  }

  /** What was read but belongs to no message yet (to a TLS handshake, or to nobody). */
  takeRest(): Buffer {
    const rest = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    return rest;
  }
}

import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { type Frame, FrameReader } from './frames.ts';

/** Longest message before a client has shown who it is. */
const AUTHENTICATION_BYTES = 65_536;
/** How long the last message may wait for a client that does not read. */
const CLOSING_MS = 2000;
/** Bytes that may wait, unread by the session or unsent to the client, while it has more to do. */
export const WAITING_BYTES = 1 << 20;

/** A client's socket as messages in and bytes out, in the clear or, from some moment on, through TLS. */
export class Channel {
  readonly #left: () => void;
  #socket: Socket;
  #frames = new FrameReader(AUTHENTICATION_BYTES);
  #closed = false;
  #secured = false;
  /** Wakes whoever waits for a frame. */
  #wake: (() => void) | undefined;

  /** @param left called once, when the client has gone or `leave` was called */
  constructor(socket: Socket, left: () => void) {
    this.#socket = socket;
    this.#left = left;
    this.#listen(socket);
  }

  /** Whether nothing is read any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  get isSecured(): boolean {
    return this.#secured;
  }

  get address(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get port(): number | undefined {
    return this.#socket.remotePort;
  }

  /** Bytes of the client that have come and not been read. */
  get pending(): number {
    return this.#frames.pending;
  }

  /** Longest message that is read. */
  set limit(bytes: number) {
    this.#frames.limit = bytes;
  }

  /** From the next frame on, messages have types. */
  endStartup(): void {
    this.#frames.endStartup();
  }

  /** The next frame, or undefined when the client has gone. @throws WireError when there can be none */
  async frame(): Promise<Frame | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      const frame = this.#frames.next();
      if (frame !== undefined) return frame;
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** Sends bytes, and waits until they have gone to the system or the client has. */
  write(bytes: Uint8Array | string): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
  }

  /** Goes on with TLS, as the client has asked. */
  async secure(context: SecureContext): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
    plain.write('S');
    const secure = new TLSSocket(plain, { isServer: true, secureContext: context, minVersion: 'TLSv1.2' });
    this.#socket = secure;
    this.#frames = new FrameReader(AUTHENTICATION_BYTES);
    this.#secured = true;
    this.#listen(secure);
    await new Promise<void>((resolve, reject) => {
      secure.once('secure', resolve);
      secure.once('error', reject);
      secure.once('close', () => resolve());
    });
  }

  /** Reads no more. */
  leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#left();
    this.#wake?.();
  }

  /** Closes the socket once what was written has gone, or soon. */
  end(): void {
    this.leave();
    this.#socket.destroySoon();
    setTimeout(() => this.#socket.destroy(), CLOSING_MS).unref();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      if (this.#frames.pending > WAITING_BYTES) socket.pause();
      this.#wake?.();
    });
    for (const event of ['end', 'close', 'error'] as const) socket.on(event, () => this.leave());
  }
}

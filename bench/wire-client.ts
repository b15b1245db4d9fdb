import { connect, type Socket } from 'node:net';

/** Room for what the kernel has at once; every piece is read into the same memory. */
const READ_BYTES = 1 << 20;
/** ReadyForQuery without a transaction: what ends every answer. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/**
 * A client of a PostgreSQL server that counts the bytes of an answer and does nothing else with it, so that what takes the
 * time is the server. For servers that ask for no password.
 */
export class WireClient {
  readonly #socket: Socket;
  #bytes = 0;
  /** The beginning of an answer, for errors and for what comes at login. */
  #head = '';
  #tail: Buffer = Buffer.alloc(0);
  #answered: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(port: number, connected: () => void) {
    const read = (size: number, buffer: Uint8Array) =>
      this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, size));
    const onread = {
      buffer: Buffer.alloc(READ_BYTES),
      callback: (size: number, buffer: Uint8Array) => {
        read(size, buffer);
        return true;
      },
    };
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread }, connected);
    for (const event of ['error', 'close'])
      this.#socket.on(event, () => this.#failed?.(new Error('the server has closed the connection')));
  }

  /** Logs in. @returns the client, and the process that the server says it talks to */
  static async connect(
    port: number,
    user: string,
    database: string,
  ): Promise<{ client: WireClient; processId: number }> {
    let connected = () => {};
    const connection = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const client = new WireClient(port, () => connected());
    await connection;
    const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
    await client.#ask(Buffer.concat([int32(parameters.length + 8), int32(3 << 16), parameters]));
    const key = client.#head.indexOf('K\0\0\0');
    return { client, processId: Buffer.from(client.#head.slice(key + 5, key + 9), 'latin1').readInt32BE() };
  }

  /** Bytes of the answer to a statement, in the text or the binary format. @throws when it is an error */
  async drain(sql: string, format: 'text' | 'binary'): Promise<number> {
    const [text, none, binary] = [Buffer.from(`${sql}\0`), Buffer.from([0, 0]), Buffer.from([0, 1])];
    await this.#ask(
      format === 'text'
        ? message('Q', text)
        : Buffer.concat([
            message('P', Buffer.of(0), text, none),
            message('B', none, none, none, binary, binary),
            message('E', Buffer.of(0), int32(0)),
            message('S'),
          ]),
    );
    if (this.#head.startsWith('E')) throw new Error(this.#head);
    return this.#bytes;
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  async #ask(request: Buffer): Promise<void> {
    this.#bytes = 0;
    this.#head = '';
    this.#tail = Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(request);
    });
  }

  #read(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#head.length < 4096) this.#head += piece.toString('latin1', 0, 4096);
    const last = piece.length < READY.length ? Buffer.concat([this.#tail, piece]) : piece;
    this.#tail = Buffer.from(last.subarray(-READY.length));
    if (this.#tail.equals(READY)) this.#answered?.();
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

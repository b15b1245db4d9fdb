import type { Frame } from './frames.ts';
import { WireError } from './sqlstate.ts';

/** 0 is text, 1 is binary. */
export type FormatCode = 0 | 1;

export type StartupRequest =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gssenc' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: Buffer }
  | {
      readonly kind: 'startup';
      readonly major: number;
      readonly minor: number;
      readonly parameters: ReadonlyMap<string, string>;
    };

export type FrontendMessage =
  /** Its bytes need not be text: that is an error of the statement, not of the connection. */
  | { readonly kind: 'query'; readonly sql: Uint8Array }
  | {
      readonly kind: 'parse';
      readonly name: string;
      readonly sql: Uint8Array;
      readonly parameterTypes: readonly number[];
    }
  | {
      readonly kind: 'bind';
      readonly portal: string;
      readonly statement: string;
      readonly parameterFormats: readonly FormatCode[];
      /** null is SQL's NULL. */
      readonly parameters: readonly (Buffer | null)[];
      readonly resultFormats: readonly FormatCode[];
    }
  | { readonly kind: 'describe' | 'close'; readonly what: 'statement' | 'portal'; readonly name: string }
  | { readonly kind: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly kind: 'sync' | 'flush' | 'terminate' | 'copyDone' }
  | { readonly kind: 'copyData' | 'password'; readonly data: Buffer }
  | { readonly kind: 'copyFail'; readonly message: string }
  | { readonly kind: 'functionCall' };

const CODES: Readonly<Record<number, 'ssl' | 'gssenc'>> = { 80877103: 'ssl', 80877104: 'gssenc' };
const CANCEL = 80877102;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the fields of one message; every read is checked against its end. */
class Fields {
  readonly #body: Buffer;
  #at = 0;
  constructor(body: Buffer) {
    this.#body = body;
  }
  get left(): number {
    return this.#body.length - this.#at;
  }
  bytes(count: number): Buffer {
    if (count < 0 || count > this.left) throw malformed('it ends too early');
    this.#at += count;
    return this.#body.subarray(this.#at - count, this.#at);
  }
  byte(): number {
    return this.bytes(1).readUInt8();
  }
  int16(): number {
    return this.bytes(2).readInt16BE();
  }
  int32(): number {
    return this.bytes(4).readInt32BE();
  }
  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }
  text(): string {
    return decodeText(this.terminated());
  }
  /** What comes before the next zero byte. */
  terminated(): Buffer {
    const end = this.#body.indexOf(0, this.#at);
    if (end < 0) throw malformed('a string has no end');
    const raw = this.bytes(end - this.#at);
    this.#at++;
    return raw;
  }
  /** An int16 count, then as many items of at least `size` bytes. */
  list<T>(size: number, read: () => T): T[] {
    const count = this.bytes(2).readUInt16BE();
    if (count * size > this.left) throw malformed(`${count} items do not fit in it`);
    return Array.from({ length: count }, read);
  }
  end(): void {
    if (this.left > 0) throw malformed(`${this.left} bytes are left over`);
  }
}

function malformed(what: string): WireError {
  return new WireError('protocolViolation', `invalid message format: ${what}`);
}

/** @throws WireError when the bytes are not UTF-8 */
export function decodeText(raw: Uint8Array): string {
  try {
    return utf8.decode(raw);
  } catch (cause) {
    throw new WireError('untranslatableText', 'invalid byte sequence for encoding "UTF8"', { cause });
  }
}

function format(code: number): FormatCode {
  if (code !== 0 && code !== 1) throw malformed(`${code} is no format code`);
  return code;
}

/** @throws WireError (protocol violation) */
export function decodeStartup({ body }: Frame): StartupRequest {
  const fields = new Fields(body);
  const code = fields.uint32();
  const kind = CODES[code];
  if (kind !== undefined) {
    fields.end();
    return { kind };
  }
  if (code === CANCEL) {
    const processId = fields.int32();
    if (fields.left < 4 || fields.left > 256) throw malformed('a cancel key has 4 to 256 bytes');
    return { kind: 'cancel', processId, secret: fields.bytes(fields.left) };
  }
  const parameters = new Map<string, string>();
  for (;;) {
    const name = fields.text();
    if (name === '') break;
    parameters.set(name, fields.text());
  }
  fields.end();
  return { kind: 'startup', major: code >>> 16, minor: code & 0xffff, parameters };
}

/** @throws WireError (protocol violation) */
export function decodeMessage(frame: Frame): FrontendMessage {
  const fields = new Fields(frame.body);
  const message = decodeFields(frame.type ?? '', fields);
  fields.end();
  return message;
}

function decodeFields(type: string, fields: Fields): FrontendMessage {
  switch (type) {
    case 'Q':
      return { kind: 'query', sql: fields.terminated() };
    case 'P':
      return {
        kind: 'parse',
        name: fields.text(),
        sql: fields.terminated(),
        parameterTypes: fields.list(4, () => fields.uint32()),
      };
    case 'B':
      return {
        kind: 'bind',
        portal: fields.text(),
        statement: fields.text(),
        parameterFormats: fields.list(2, () => format(fields.int16())),
        parameters: fields.list(4, () => {
          const length = fields.int32();
          return length === -1 ? null : fields.bytes(length);
        }),
        resultFormats: fields.list(2, () => format(fields.int16())),
      };
    case 'D':
    case 'C':
      return { kind: type === 'D' ? 'describe' : 'close', what: target(fields.byte()), name: fields.text() };
    case 'E':
      return { kind: 'execute', portal: fields.text(), maxRows: Math.max(0, fields.int32()) };
    case 'S':
      return { kind: 'sync' };
    case 'H':
      return { kind: 'flush' };
    case 'X':
      return { kind: 'terminate' };
    case 'd':
      return { kind: 'copyData', data: fields.bytes(fields.left) };
    case 'c':
      return { kind: 'copyDone' };
    case 'f':
      return { kind: 'copyFail', message: fields.text() };
    case 'p':
      return { kind: 'password', data: fields.bytes(fields.left) };
    case 'F':
      fields.bytes(fields.left);
      return { kind: 'functionCall' };
    default:
      throw new WireError('protocolViolation', `invalid frontend message type ${type.charCodeAt(0)}`);
  }
}

function target(byte: number): 'statement' | 'portal' {
  if (byte === 0x53) return 'statement';
  if (byte === 0x50) return 'portal';
  throw malformed('neither a statement nor a portal');
}

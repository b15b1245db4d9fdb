import type { FormatCode } from './frontend.ts';
import type { Output } from './output.ts';
import type { ErrorReport } from './sqlstate.ts';

/** A column of a result as RowDescription tells it. */
export interface FieldDescription {
  readonly name: string;
  readonly typeOid: number;
  /** Bytes of a value, -1 for a varying length. */
  readonly typeLength: number;
  /** Precision and scale of numeric, -1 otherwise. */
  readonly typeModifier: number;
  readonly format: FormatCode;
}

/** Whether a transaction is open: I no, T yes, E yes and failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

/**
 * Writes the messages of a server into an output.
 * Source: PostgreSQL manual, "Message Formats".
 */
export class Backend {
  readonly out: Output;

  constructor(out: Output) {
    this.out = out;
  }

  #message(type: string, body?: () => void): void {
    this.out.uint8(type.charCodeAt(0));
    const at = this.out.reserve(4);
    body?.();
    this.out.setInt32(at, this.out.length - at);
  }

  authenticationOk(): void {
    this.#message('R', () => this.out.int32(0));
  }

  authenticationSasl(mechanisms: readonly string[]): void {
    this.#message('R', () => {
      this.out.int32(10);
      for (const mechanism of mechanisms) this.out.cstring(mechanism);
      this.out.uint8(0);
    });
  }

  authenticationSaslContinue(data: string): void {
    this.#message('R', () => {
      this.out.int32(11);
      this.out.text(data);
    });
  }

  authenticationSaslFinal(data: string): void {
    this.#message('R', () => {
      this.out.int32(12);
      this.out.text(data);
    });
  }

  negotiateProtocolVersion(minor: number, unknown: readonly string[]): void {
    this.#message('v', () => {
      this.out.int32((3 << 16) | minor);
      this.out.int32(unknown.length);
      for (const name of unknown) this.out.cstring(name);
    });
  }

  parameterStatus(name: string, value: string): void {
    this.#message('S', () => {
      this.out.cstring(name);
      this.out.cstring(value);
    });
  }

  backendKeyData(processId: number, secret: Uint8Array): void {
    this.#message('K', () => {
      this.out.int32(processId);
      this.out.bytes(secret);
    });
  }

  readyForQuery(status: TransactionStatus): void {
    this.#message('Z', () => this.out.uint8(status.charCodeAt(0)));
  }

  rowDescription(fields: readonly FieldDescription[]): void {
    this.#message('T', () => {
      this.out.uint16(fields.length);
      for (const field of fields) {
        this.out.cstring(field.name);
        this.out.int32(0);
        this.out.int16(0);
        this.out.uint32(field.typeOid);
        this.out.int16(field.typeLength);
        this.out.int32(field.typeModifier);
        this.out.int16(field.format);
      }
    });
  }

  parameterDescription(oids: readonly number[]): void {
    this.#message('t', () => {
      this.out.uint16(oids.length);
      for (const oid of oids) this.out.uint32(oid);
    });
  }

  noData(): void {
    this.#message('n');
  }

  parseComplete(): void {
    this.#message('1');
  }

  bindComplete(): void {
    this.#message('2');
  }

  closeComplete(): void {
    this.#message('3');
  }

  portalSuspended(): void {
    this.#message('s');
  }

  emptyQueryResponse(): void {
    this.#message('I');
  }

  commandComplete(tag: string): void {
    this.#message('C', () => this.out.cstring(tag));
  }

  copyOutResponse(columns: number, format: FormatCode): void {
    this.#message('H', () => {
      this.out.uint8(format);
      this.out.uint16(columns);
      for (let i = 0; i < columns; i++) this.out.int16(format);
    });
  }

  /** The body is written by `write`. */
  copyData(write: () => void): void {
    this.#message('d', write);
  }

  copyDone(): void {
    this.#message('c');
  }

  errorResponse(error: ErrorReport, severity: 'ERROR' | 'FATAL' = 'ERROR'): void {
    this.#report('E', severity, error);
  }

  noticeResponse(notice: ErrorReport, severity: 'NOTICE' | 'WARNING'): void {
    this.#report('N', severity, notice);
  }

  #report(type: string, severity: string, { sqlstate, message, detail, hint }: ErrorReport): void {
    const fields: readonly (readonly [string, string | undefined])[] = [
      ['S', severity],
      ['V', severity],
      ['C', sqlstate],
      ['M', message],
      ['D', detail],
      ['H', hint],
    ];
    this.#message(type, () => {
      for (const [code, value] of fields) {
        if (value === undefined) continue;
        this.out.uint8(code.charCodeAt(0));
        this.out.cstring(value);
      }
      this.out.uint8(0);
    });
  }
}

import { readRecord } from '../csv/records.ts';
import type { LineFormat } from './alike-lines.ts';
import type { Piece, Slot } from './line-tree.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

const KIND = { text: 1, empty: 2 } as const;

/** Lines of comma-separated fields without quotes; a slot has the name of its column, all values are texts. */
export class CsvLines implements LineFormat<readonly string[]> {
  readonly #header: readonly string[];
  readonly #fixed: ReadonlySet<string>;
  #kind = 0;

  /** @param fixed columns that few different values are expected of */
  constructor(header: readonly string[], fixed: ReadonlySet<string>) {
    this.#header = header;
    this.#fixed = fixed;
  }

  get kind(): number {
    return this.#kind;
  }

  read(bytes: Uint8Array, start: number, end: number, { column }: Slot): number {
    column.reserve(end - start);
    let at = start;
    let byte = bytes[at]!;
    while (byte !== COMMA && byte !== NEWLINE && byte !== RETURN) {
      if (byte === QUOTE) return -1;
      column.bytes[column.size++] = byte;
      byte = bytes[++at]!;
    }
    if (byte === RETURN && bytes[at + 1] !== NEWLINE) return -1;
    column.endText();
    this.#kind = at === start ? KIND.empty : KIND.text;
    return at;
  }

  split(line: Uint8Array, slotOf: (name: string, json: boolean) => Slot): readonly Piece[] | undefined {
    const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
    const { fields, end } = readRecord(text, 0, ',', true) ?? { fields: [], end: 0 };
    if (text.includes('"') || end !== line.length || fields.length !== this.#header.length) return undefined;
    if (line.at(-1) !== NEWLINE || new Set(this.#header).size < this.#header.length) return undefined;
    const pieces: Piece[] = [];
    let from = 0;
    let start = 0;
    fields.forEach((field, i) => {
      const name = this.#header[i]!;
      if (!this.#fixed.has(name)) {
        const kind = field === '' ? KIND.empty : KIND.text;
        pieces.push({ literal: line.subarray(from, start), slot: slotOf(name, false), kind });
        from = start + field.length;
      }
      start += field.length + 1;
    });
    pieces.push({ literal: line.subarray(from) });
    return pieces;
  }

  parse(line: Uint8Array): readonly string[] {
    const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8');
    return readRecord(text, 0, ',', true)!.fields;
  }
}

import { isUtf8 } from 'node:buffer';
import { TextColumn } from '../../../lake/tables/text-column.ts';
import { LineTree, type Piece, type Slot, type ValueReader } from './line-tree.ts';

/** How the lines of a format come apart, and what one of them holds (`V`). */
export interface LineFormat<V> extends ValueReader {
  /** The pieces of a line, its end included; undefined when it has values that `read` does not read. */
  split(line: Uint8Array, slot: (name: string, json: boolean) => Slot): readonly Piece[] | undefined;
  /** Reads a line that is known to be like one that could be read. */
  parse(line: Uint8Array): V;
}

/** Lines that follow each other, each like one that was read before: what differs lies in columns. */
export interface AlikeRows<V, T> {
  readonly length: number;
  /** 1-based line of each row. */
  readonly lines: readonly number[];
  /** What was made of the line that each row is like. */
  readonly templates: readonly T[];
  /** The values of a slot by row, missing where they are null or their line has no such slot. */
  column(name: string): TextColumn;
  /** The whole line of a row, as the format's own parser reads it. */
  value(row: number): V;
}

/** Files whose lines differ in more ways, or in longer ones, are not written by a program row by row. */
const MAX_TEMPLATES = 64;
const MAX_ATTEMPTS = 4 * MAX_TEMPLATES;
const MAX_LITERAL_BYTES = 16 * 1024;
const NEWLINE = 0x0a;

/**
 * Recognises lines that differ from earlier ones in the values of some slots only. Whoever reads the file shows it
 * every line that was read without a remark, and asks it to take the lines that follow.
 *
 * Only what the values of slots *are* may differ between a line and the one it is like, never their kinds; so a
 * check of the known line that looks at nothing else of the slots holds for all lines that are like it.
 */
export class AlikeLines<V, T> implements AlikeRows<V, T> {
  readonly #format: LineFormat<V>;
  readonly #templateOf: (value: V) => T | undefined;
  readonly #tree: LineTree<T>;
  readonly #columns = new Map<string, TextColumn>();
  #templates: T[] = [];
  #lines: number[] = [];
  #starts: number[] = [];
  #known = 0;
  #attempts = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  /** Up to here the chunk consists of whole lines of UTF-8. */
  #end = 0;

  /** @param templateOf what to know of lines that are like this one; undefined when each is to be read on its own */
  constructor(format: LineFormat<V>, templateOf: (value: V) => T | undefined) {
    this.#format = format;
    this.#templateOf = templateOf;
    this.#tree = new LineTree(format);
  }

  get length(): number {
    return this.#lines.length;
  }

  get lines(): readonly number[] {
    return this.#lines;
  }

  get templates(): readonly T[] {
    return this.#templates;
  }

  column(name: string): TextColumn {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = new TextColumn();
      while (column.length < this.length) column.endMissing();
      this.#columns.set(name, column);
    }
    return column;
  }

  value(row: number): V {
    const start = this.#starts[row]!;
    return this.#format.parse(this.#chunk.subarray(start, this.#chunk.indexOf(NEWLINE, start)));
  }

  /**
   * Forgets the rows it has and takes the lines from `start` on, as far as they are like known ones; gives the place
   * behind them. The rows are valid as long as the chunk is.
   */
  take(chunk: Uint8Array, start: number, line: number): number {
    this.#clear();
    if (this.#known === 0) return start;
    if (this.#chunk !== chunk) {
      this.#chunk = chunk;
      this.#end = chunk.lastIndexOf(NEWLINE) + 1;
      if (this.#end <= start || !isUtf8(chunk.subarray(start, this.#end))) this.#end = start;
    }
    const columns = [...this.#columns.values()];
    let at = start;
    while (at < this.#end) {
      const row = this.length;
      const template = this.#tree.match(chunk, at, this.#end);
      if (template === undefined) {
        for (const column of columns) column.truncate(row);
        break;
      }
      for (let c = 0; c < columns.length; c++) if (columns[c]!.length === row) columns[c]!.endMissing();
      this.#templates.push(template);
      this.#lines.push(line + row);
      this.#starts.push(at);
      at = this.#tree.end;
    }
    return at;
  }

  /** Makes a line known that was read without a remark. */
  learn(line: Uint8Array, value: V): void {
    if (this.#known === MAX_TEMPLATES || this.#attempts === MAX_ATTEMPTS) return;
    this.#attempts++;
    const template = this.#templateOf(value);
    if (template === undefined) return;
    const pieces = this.#format.split(line, (name, json) => ({ column: this.column(name), json }));
    if (pieces === undefined) return;
    if (pieces.reduce((sum, { literal }) => sum + literal.length, 0) > MAX_LITERAL_BYTES) return;
    this.#tree.add(
      pieces.map((piece) => ({ ...piece, literal: piece.literal.slice() })),
      template,
    );
    this.#known++;
  }

  #clear(): void {
    this.#templates = [];
    this.#lines = [];
    this.#starts = [];
    for (const column of this.#columns.values()) column.truncate(0);
  }
}

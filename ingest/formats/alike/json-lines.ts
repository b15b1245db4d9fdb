import { TextColumn } from '../../../lake/tables/text-column.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonValue } from '../json/value.ts';
import type { LineFormat } from './alike-lines.ts';
import { JsonValueReader, skipSpace } from './json-values.ts';
import type { Piece, Slot } from './line-tree.ts';

/** The members of a line: slots, except those that few different values are expected of. */
export interface JsonMembers {
  readonly fixed: ReadonlySet<string>;
  /** Slots whose values are wanted as texts: they must be strings or null. All others are wanted as JSON. */
  readonly texts: ReadonlySet<string>;
}

/** Lines of JSON objects; a slot has the name of its member. */
export class JsonLines extends JsonValueReader implements LineFormat<JsonValue> {
  readonly #members: JsonMembers;

  constructor(members: JsonMembers) {
    super();
    this.#members = members;
  }

  split(line: Uint8Array, slotOf: (name: string, json: boolean) => Slot): readonly Piece[] | undefined {
    const pieces: Piece[] = [];
    const scratch = new TextColumn();
    const read = (at: number, json: boolean): number =>
      this.read(line, at, line.length, { column: scratch, json });
    let from = 0;
    let at = skipSpace(line, 0);
    if (line.at(-1) !== 0x0a || line[at] !== 0x7b) return undefined;
    do {
      const key = read(skipSpace(line, at + 1), false);
      if (key < 0) return undefined;
      const name = scratch.text(scratch.length - 1);
      const colon = skipSpace(line, key);
      if (name === undefined || line[colon] !== 0x3a) return undefined;
      const start = skipSpace(line, colon + 1);
      const json = !this.#members.texts.has(name);
      const end = read(start, json);
      if (end < 0) return undefined;
      if (!this.#members.fixed.has(name)) {
        pieces.push({ literal: line.subarray(from, start), slot: slotOf(name, json), kind: this.kind });
        from = end;
      }
      at = skipSpace(line, end);
    } while (line[at] === 0x2c);
    if (line[at] !== 0x7d) return undefined;
    pieces.push({ literal: line.subarray(from) });
    return pieces;
  }

  parse(line: Uint8Array): JsonValue {
    return parseJson(line).value;
  }
}

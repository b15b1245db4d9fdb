import type { TextColumn } from '../../../lake/tables/text-column.ts';
import { stringifyJson } from '../json/stringify.ts';
import type { JsonObject } from '../json/value.ts';
import type { AlikeRows } from './alike-lines.ts';

/** Writes JSON objects made of slots that hold JSON, and of members that are the same in every object. */
export class ObjectText {
  readonly #slots: readonly { readonly name: string; readonly before: Buffer }[];
  readonly #end: Buffer;

  constructor(slots: readonly string[], others: JsonObject = {}) {
    this.#slots = slots.map((name, i) => ({
      name,
      before: Buffer.from(`${i === 0 ? '{' : ','}${stringifyJson(name)}:`),
    }));
    const rest = stringifyJson(others).slice(1);
    this.#end = Buffer.from(slots.length === 0 ? `{${rest}` : `${rest === '}' ? '' : ','}${rest}`);
  }

  /** Adds the object of a row; a missing text if it has no member at all. */
  write(rows: AlikeRows<unknown, unknown>, row: number, to: TextColumn): void {
    if (this.#slots.length === 0 && this.#end.length === 2) {
      to.endMissing();
      return;
    }
    for (const { name, before } of this.#slots) {
      to.write(before);
      const values = rows.column(name);
      to.write(values.missing[row] === 1 ? NULL : values.slice(row));
    }
    to.write(this.#end);
    to.endText();
  }
}

const NULL = Buffer.from('null');

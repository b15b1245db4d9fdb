import { InvalidArgumentError } from './errors.ts';
import { DeltaTable } from './log/table.ts';
import type { ObjectStore } from './store/object-store.ts';
import type { TableSpec } from './tables/schema.ts';

/** Prefix of every table in the bucket. */
export const TABLES_PREFIX = 'tables';

/** The tables of a lake: what each one holds, and the log in which its state is kept. */
export class TableSet {
  readonly specs: ReadonlyMap<string, TableSpec>;
  readonly #store: ObjectStore;
  readonly #open = new Map<string, DeltaTable>();

  constructor(store: ObjectStore, specs: readonly TableSpec[]) {
    this.#store = store;
    this.specs = new Map(specs.map((spec) => [spec.name, spec]));
  }

  /** @throws InvalidArgumentError for an unknown name */
  spec(name: string): TableSpec {
    const spec = this.specs.get(name);
    if (spec !== undefined) return spec;
    throw new InvalidArgumentError(`there is no table ${name}`, {
      expected: `one of ${[...this.specs.keys()].join(', ')}`,
    });
  }

  /** The one handle of this process on a table, which may not have been created yet. @throws InvalidArgumentError for an unknown name */
  table(name: string): DeltaTable {
    let table = this.#open.get(name);
    if (table === undefined) {
      table = DeltaTable.open(this.#store, `${TABLES_PREFIX}/${this.spec(name).name}`);
      this.#open.set(name, table);
    }
    return table;
  }
}

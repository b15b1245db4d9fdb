import type { Row } from '../../../lake/tables/schema.ts';
import { activationRows } from '../../activations.ts';
import {
  type ActivationOptions,
  DEFAULT_ACTIVATION_OPTIONS,
  type Issue,
  type ReadContext,
  type RunSink,
  type StoreEntry,
  type StoreRef,
} from '../../family.ts';
import { openStore } from './stores/open.ts';

/** What a store gave, for tests. */
export interface CollectedStore {
  readonly ref: StoreRef;
  readonly keys: readonly string[];
  readonly nActivations: number;
  readonly issues: readonly Issue[];
  readonly damaged: readonly string[];
}

export interface MemorySink extends RunSink {
  readonly issues: Issue[];
  readonly stores: CollectedStore[];
  table(name: string): readonly Row[];
}

/** A sink for tests: keeps every row in memory and reads stores to the end, tensors included. */
export function memorySink(
  context: ReadContext,
  options: ActivationOptions = DEFAULT_ACTIVATION_OPTIONS,
  onEntry: (entry: StoreEntry) => Promise<void> = async () => {},
): MemorySink {
  const tables = new Map<string, Row[]>();
  const issues: Issue[] = [];
  const stores: CollectedStore[] = [];
  return {
    issues,
    stores,
    table: (name) => tables.get(name) ?? [],
    async rows(table, rows) {
      const known = new Set(table.columns.map((column) => column.name));
      for (const row of rows) {
        for (const name of Object.keys(row)) {
          if (!known.has(name)) throw new Error(`${table.name} has no column ${name}`);
        }
      }
      const all = tables.get(table.name) ?? [];
      all.push(...rows);
      tables.set(table.name, all);
    },
    issue: (issue) => void issues.push(issue),
    async store(ref) {
      const reader = await openStore(ref, context);
      const keys: string[] = [];
      let nActivations = 0;
      for await (const entry of reader.entries(options, context.signal)) {
        keys.push(entry.key);
        await onEntry(entry);
        for await (const batch of activationRows(entry, options, context.signal)) nActivations += batch.rows;
      }
      stores.push({ ref, keys, nActivations, issues: reader.issues, damaged: reader.damaged });
      return {
        storeId: ref.root,
        nEntries: keys.length,
        nActivations,
        damaged: reader.damaged,
        issues: reader.issues,
      };
    },
  };
}

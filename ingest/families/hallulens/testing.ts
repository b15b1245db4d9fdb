import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LocalStore } from '../../../lake/store/local-store.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { activationRows } from '../../activations.ts';
import {
  type ActivationOptions,
  DEFAULT_ACTIVATION_OPTIONS,
  type Issue,
  type ReadContext,
  type RunCandidate,
  type RunSink,
  type RunSummary,
  type StoreEntry,
  type StoreRef,
} from '../../family.ts';
import { HALLULENS } from './index.ts';
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

/** What one run of a tree gave, for tests. */
export interface CollectedRun {
  readonly candidate: RunCandidate;
  readonly sink: MemorySink;
  readonly summary: RunSummary;
}

/** Writes files into a new temporary directory that `remove` deletes. */
export function temporaryTree(files: Readonly<Record<string, string | Uint8Array>>): {
  readonly path: string;
  add(more: Readonly<Record<string, string | Uint8Array>>): void;
  remove(): void;
} {
  const path = mkdtempSync(join(tmpdir(), 'hallulens-'));
  const add = (more: Readonly<Record<string, string | Uint8Array>>): void => {
    for (const [name, content] of Object.entries(more)) {
      mkdirSync(join(path, dirname(name)), { recursive: true });
      writeFileSync(join(path, name), content);
    }
  };
  add(files);
  return { path, add, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Every run below a directory, read into memory, by its path below the directory. */
export async function readRuns(
  path: string,
  settings: { readonly lenient?: boolean; readonly options?: ActivationOptions } = {},
): Promise<Map<string, CollectedRun>> {
  const tree = { store: new LocalStore('/'), prefix: path.replace(/^\/+|\/+$/g, '') };
  const context = { tree, lenient: settings.lenient ?? false };
  const runs = new Map<string, CollectedRun>();
  for await (const candidate of HALLULENS.discover(tree, { namespace: 'main' })) {
    const sink = memorySink(context, settings.options);
    const summary = await HALLULENS.read(candidate, sink, context);
    runs.set(candidate.root.slice(tree.prefix.length + 1), { candidate, sink, summary });
  }
  return runs;
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LocalStore } from '../lake/store/local-store.ts';
import type { Cell, ColumnRows, Row } from '../lake/tables/schema.ts';
import { TextColumn } from '../lake/tables/text-column.ts';
import { activationRows } from './activations.ts';
import { discoverRuns } from './discovery/discover.ts';
import {
  type ActivationOptions,
  DEFAULT_ACTIVATION_OPTIONS,
  type DiscoverContext,
  type Family,
  type Issue,
  type ReadContext,
  type RunCandidate,
  type RunSink,
  type RunSummary,
  type SourceTree,
  type StoreEntry,
  type StoreRef,
} from './family.ts';

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
  family: Family,
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
      const own = 'columns' in rows ? wholeRows(rows) : rows;
      for (const row of own) {
        for (const name of Object.keys(row)) {
          if (!known.has(name)) throw new Error(`${table.name} has no column ${name}`);
        }
      }
      const all = tables.get(table.name) ?? [];
      all.push(...own);
      tables.set(table.name, all);
    },
    issue: (issue) => void issues.push(issue),
    async store(ref) {
      const reader = await family.stores!.open(ref, context);
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

/** Rows with the cells of their columns, as they would have been without columns. */
function wholeRows({ length, rows, columns }: ColumnRows): Row[] {
  return Array.from({ length }, (_, i) => {
    const row: Record<string, Cell> = { ...rows[i] };
    for (const [name, cells] of Object.entries(columns)) {
      row[name] = cells instanceof TextColumn ? (cells.text(i) ?? null) : cells[i];
    }
    return row;
  });
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
  const path = mkdtempSync(join(tmpdir(), 'runlake-tree-'));
  const add = (more: Readonly<Record<string, string | Uint8Array>>): void => {
    for (const [name, content] of Object.entries(more)) {
      mkdirSync(join(path, dirname(name)), { recursive: true });
      writeFileSync(join(path, name), content);
    }
  };
  add(files);
  return { path, add, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The runs of a family in a tree. */
export async function findRuns(
  family: Family,
  tree: SourceTree,
  context: Partial<DiscoverContext> = {},
): Promise<RunCandidate[]> {
  const candidates: RunCandidate[] = [];
  for await (const { candidate } of discoverRuns(tree, [family], { namespace: 'main', ...context })) {
    candidates.push(candidate);
  }
  return candidates;
}

/** Every run below a directory, read into memory, by its path below the directory. */
export async function readRuns(
  family: Family,
  path: string,
  settings: { readonly lenient?: boolean; readonly options?: ActivationOptions } = {},
): Promise<Map<string, CollectedRun>> {
  const tree = { store: new LocalStore('/'), prefix: path.replace(/^\/+|\/+$/g, '') };
  const context = { tree, lenient: settings.lenient ?? false };
  const runs = new Map<string, CollectedRun>();
  for (const candidate of await findRuns(family, tree)) {
    const sink = memorySink(family, context, settings.options);
    const summary = await family.read(candidate, sink, context);
    runs.set(candidate.root.slice(tree.prefix.length + 1), { candidate, sink, summary });
  }
  return runs;
}

import { z } from 'zod';

/** Chosen runs: these, or all that the filters leave except these. */
export interface Selection {
  readonly all: boolean;
  readonly ids: ReadonlySet<string>;
}

export const NO_RUNS: Selection = { all: false, ids: new Set() };
export const ALL_RUNS: Selection = { all: true, ids: new Set() };

/** Most runs that an address names: a longer one is more than servers take. */
export const MOST_IN_ADDRESS = 50;

const kept = z.object({ all: z.boolean(), ids: z.array(z.string()) });
const entry = z.object({ selection: kept });

export function isSelected({ all, ids }: Selection, id: string): boolean {
  return all !== ids.has(id);
}

/** How many of the runs that the filters leave, `total`, and of those chosen before under other filters. */
export function selectedCount({ all, ids }: Selection, total: number): number {
  return all ? Math.max(0, total - ids.size) : ids.size;
}

/** The selection with or without some runs. */
export function withRuns(selection: Selection, runs: Iterable<string>, chosen: boolean): Selection {
  const ids = new Set(selection.ids);
  for (const id of runs) {
    if (chosen === selection.all) ids.delete(id);
    else ids.add(id);
  }
  return { all: selection.all, ids };
}

/** Reads a selection from an address; what was too long for it is in the state of the entry of the history. */
export function selectionOf(address: URLSearchParams, state: unknown = null): Selection {
  const large = entry.safeParse(state);
  if (large.success) return { all: large.data.selection.all, ids: new Set(large.data.selection.ids) };
  if (address.get('select') === 'all') return { all: true, ids: new Set(address.getAll('without')) };
  return { all: false, ids: new Set(address.getAll('run')) };
}

/** Writes a selection into an address. @returns what has to go into the state of the entry of the history instead */
export function addSelection(
  address: URLSearchParams,
  { all, ids }: Selection,
): { readonly selection: z.infer<typeof kept> } | null {
  if (ids.size > MOST_IN_ADDRESS) return { selection: { all, ids: [...ids] } };
  if (all) address.set('select', 'all');
  for (const id of ids) address.append(all ? 'without' : 'run', id);
  return null;
}

/** The `RunFilter` that leaves the chosen ones of the runs that `filter` leaves. */
export function selectionArgument(
  { all, ids }: Selection,
  filter: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (!all && ids.size > 0) return { and: [filter, { id: { in: [...ids] } }] };
  return ids.size > 0 ? { and: [filter, { not: { id: { in: [...ids] } } }] } : { ...filter };
}

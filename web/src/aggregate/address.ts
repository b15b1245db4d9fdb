import { addFilter, type RunFilterView } from '../runs/run-filter.ts';
import { addSelection, type Selection } from '../runs/selection.ts';

/** Writes into an address which runs a table aggregates: those that a filter leaves, or the chosen ones of them. */
export function addRuns(address: URLSearchParams, filter: RunFilterView, selection: Selection): void {
  addFilter(address, filter);
  if (selection.ids.size > 0) addSelection(address, selection);
}

/** The address of the table that aggregates chosen runs; as many can be named as addresses take. */
export function aggregateAddress(filter: RunFilterView, selection: Selection): string {
  const address = new URLSearchParams();
  // Runs that are named were chosen one by one, under whatever filters.
  if (selection.all) addRuns(address, filter, selection);
  else addSelection(address, selection);
  const text = address.toString();
  return text === '' ? '/aggregate' : `/aggregate?${text}`;
}

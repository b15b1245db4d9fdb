import { addFilter, type RunFilterView } from '../runs/run-filter.ts';
import { addSelection, type Selection } from '../runs/selection.ts';

/** The address of the table that aggregates the chosen ones of the runs that a filter leaves; as many can be named as addresses take. */
export function aggregateAddress(filter: RunFilterView, selection: Selection): string {
  const address = new URLSearchParams();
  // Runs that are named were chosen one by one, under whatever filters.
  if (selection.all) addFilter(address, filter);
  addSelection(address, selection);
  address.delete('select');
  const text = address.toString();
  return text === '' ? '/aggregate' : `/aggregate?${text}`;
}

import { directionOf } from '../metrics/direction.ts';
import { type Standing, standings } from '../metrics/standing.ts';
import type { Group } from './queries.ts';
import type { AggregateView } from './view.ts';

export interface AggregateCell<G extends Group = Group> {
  readonly key: string;
  readonly group: G;
  /** Among the cells of its column. */
  readonly standing: Standing | undefined;
  /** Whether runs of one seed are in it, which then differ in something else. */
  readonly pooled: boolean;
}

export interface AggregateRow<G extends Group = Group> {
  /** What its runs have in common, in the order of the view. */
  readonly names: readonly string[];
  /** By column; undefined where no run is. */
  readonly cells: readonly (AggregateCell<G> | undefined)[];
}

/** Groups as a table: rows and columns in the order in which the API first has them. */
export interface AggregateTable<G extends Group = Group> {
  readonly columns: readonly string[];
  readonly rows: readonly AggregateRow<G>[];
}

/** Stands for what runs do not have. */
const NOTHING = '–';

/** The groups that were asked for by the arguments of a view, as its table. */
export function tableOf<G extends Group>(
  groups: readonly G[],
  { rows, column }: Pick<AggregateView, 'rows' | 'column'>,
  metric: string,
): AggregateTable<G> {
  const columns: string[] = [];
  const byRow = new Map<string, { names: string[]; groups: (G | undefined)[] }>();
  for (const group of groups) {
    const names = rows.map((name) => textOf(group, name));
    const row = byRow.get(JSON.stringify(names)) ?? { names, groups: [] };
    byRow.set(JSON.stringify(names), row);
    const title = column === null ? metric : textOf(group, column);
    if (!columns.includes(title)) columns.push(title);
    row.groups[columns.indexOf(title)] = group;
  }
  const lines = [...byRow.values()];
  const direction = directionOf(metric);
  const standing = columns.map((_, j) =>
    standings(
      lines.map(
        ({ groups: own }) => own[j] && { value: own[j].mean, low: own[j].ciLow, high: own[j].ciHigh },
      ),
      direction,
    ),
  );
  return {
    columns,
    rows: lines.map(({ names, groups: own }, i) => ({
      names,
      cells: columns.map((title, j) => {
        const group = own[j];
        if (group === undefined) return undefined;
        return {
          group,
          key: JSON.stringify([...names, ...(column === null ? [] : [title])]),
          standing: standing[j]?.[i],
          pooled: new Set(group.seeds).size < group.seeds.length,
        };
      }),
    })),
  };
}

/** The text of what a group has in common. */
function textOf({ dimensions, config }: Group, name: string): string {
  const dimension = dimensions.find((one) => one.dimension === name);
  if (dimension !== undefined) return dimension.value ?? NOTHING;
  const value = config.find(({ pointer }) => pointer === name)?.value;
  if (value === null || value === undefined) return NOTHING;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

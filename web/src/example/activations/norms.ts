import { groupBy } from '../../ui/group.ts';

/** A vector that was recorded for an example, without its values. */
export interface RecordedVector {
  readonly storeId: string;
  readonly site: string;
  readonly layer: number;
  readonly tokenSelector: string;
  readonly segment: string | null;
  readonly tokenIndex: number | null;
  readonly dtype: string;
  readonly dim: number;
  readonly norm: number | null;
}

/** What one store has of an example at one site. */
export interface Recording {
  readonly storeId: string;
  readonly site: string;
  readonly tokenSelector: string;
  readonly dtypes: readonly string[];
  readonly dims: readonly number[];
  readonly layers: readonly number[];
  /** Token positions by segment; a pooled row is one position. */
  readonly positions: readonly { readonly segment: string | null; readonly n: number }[];
  readonly vectors: readonly RecordedVector[];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Vectors by store, site and how tokens were taken. */
export function recordingsOf(vectors: readonly RecordedVector[]): Recording[] {
  const groups = groupBy(vectors, ({ storeId, site, tokenSelector }) =>
    [storeId, site, tokenSelector].join('\n'),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      {
        storeId: first.storeId,
        site: first.site,
        tokenSelector: first.tokenSelector,
        dtypes: distinct(group.map(({ dtype }) => dtype)),
        dims: distinct(group.map(({ dim }) => dim)),
        layers: distinct(group.map(({ layer }) => layer)).sort((a, b) => a - b),
        positions: distinct(group.map(({ segment }) => segment)).map((segment) => ({
          segment,
          n: new Set(group.filter((row) => row.segment === segment).map(({ tokenIndex }) => tokenIndex)).size,
        })),
        vectors: group,
      },
    ];
  });
}

/** A line of norms over layers. */
export interface NormLine {
  readonly name: string;
  readonly points: readonly { readonly layer: number; readonly norm: number }[];
}

/** Norms over layers at the positions that probes look at: what was pooled, and the last token of prompt and response. */
export function normLines({ vectors, tokenSelector }: Recording): NormLine[] {
  const bySegment = groupBy(vectors, ({ segment }) => segment);
  return [...bySegment].flatMap(([segment, rows]) => {
    const last = Math.max(...rows.map(({ tokenIndex }) => tokenIndex ?? 0));
    const at = rows.filter(({ tokenIndex }) => tokenIndex === null || tokenIndex === last);
    const points = at
      .flatMap(({ layer, norm }) => (norm === null ? [] : [{ layer, norm }]))
      .sort((a, b) => a.layer - b.layer);
    const how = tokenSelector === 'mean' ? 'mean' : 'last token';
    return points.length === 0 ? [] : [{ name: segment === null ? how : `${how} of the ${segment}`, points }];
  });
}

/** Whole numbers as ranges: 1–6, 8. */
export function ranges(sorted: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const n of sorted) {
    const last = parts.at(-1);
    if (last !== undefined && n === last[1] + 1) last[1] = n;
    else parts.push([n, n]);
  }
  return parts.map(([low, high]) => (low === high ? String(low) : `${low}–${high}`)).join(', ');
}

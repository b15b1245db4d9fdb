/** Patterns of PostgreSQL's `to_char` for times, longest first, as `strftime` of DuckDB writes them. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^YYYY/, '%Y'],
  [/^IYYY/, '%G'],
  [/^YY/, '%y'],
  [/^(FM)?Month/, '%B'],
  [/^Mon/, '%b'],
  [/^MM/, '%m'],
  [/^DDD/, '%j'],
  [/^DD/, '%d'],
  [/^FMDD/, '%-d'],
  [/^FMMM/, '%-m'],
  [/^(FM)?Day/, '%A'],
  [/^Dy/, '%a'],
  [/^ID/, '%u'],
  [/^IW/, '%V'],
  [/^HH24/, '%H'],
  [/^HH(12)?/, '%I'],
  [/^MI/, '%M'],
  [/^SS/, '%S'],
  [/^MS/, '%g'],
  [/^US/, '%f'],
  [/^(AM|PM)/, '%p'],
  [/^"([^"]*)"/, '$1'],
  [/^([-/:., ])/, '$1'],
  [/^T(?=HH)/, 'T'],
];

/** The same format for `strftime`; undefined when it has a pattern that is not known here. */
export function strftimeFormat(format: string): string | undefined {
  let out = '';
  for (let rest = format; rest !== ''; ) {
    const found = PATTERNS.map(([pattern, by]) => ({ match: pattern.exec(rest), by })).find(
      ({ match }) => match !== null,
    );
    if (found?.match == null) return undefined;
    const [whole, group = ''] = found.match;
    out += found.by === '$1' ? group.replaceAll('%', '%%') : found.by;
    rest = rest.slice(whole.length);
  }
  return out === '' ? undefined : out;
}

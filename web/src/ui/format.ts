const NOTHING = '–';

const WHOLE = new Intl.NumberFormat('en');
const TIME = new Intl.DateTimeFormat('en', {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** A count: 12,345. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : WHOLE.format(value);
}

/** A measured number with three significant digits, in plain notation where that is short. */
export function measured(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return NOTHING;
  if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)) {
    return Number.isInteger(value) ? WHOLE.format(value) : String(Number(value.toPrecision(digits)));
  }
  return value.toExponential(digits - 1).replace('e', '\u2009e');
}

/** A share as percent, with a digit more where it nears nothing or all. */
export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  const whole = value === 0 || value === 1 || (value >= 0.1 && value <= 0.9);
  return `${(100 * value).toFixed(whole ? 0 : 1)}\u00a0%`;
}

/** A time where the reader is; `utc` is what a pointer shows. */
export function time(iso: string | null | undefined): { readonly local: string; readonly utc: string } {
  if (iso === null || iso === undefined) return { local: NOTHING, utc: '' };
  const date = new Date(iso);
  return { local: TIME.format(date), utc: `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC` };
}

const CLOCK = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** The time of the day where the reader is, to the second: 14:03:59. */
export function clock(iso: string): string {
  return CLOCK.format(new Date(iso));
}

const STEPS = [
  [1, 60, 's'],
  [60, 60, 'min'],
  [3600, 24, 'h'],
  [86_400, Number.POSITIVE_INFINITY, 'd'],
] as const;

/** A span of time: 3.2 s, 12 min, 4 h. */
export function duration(seconds: number): string {
  for (const [unit, limit, name] of STEPS) {
    const value = seconds / unit;
    if (value < limit) return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${name}`;
  }
  return NOTHING;
}

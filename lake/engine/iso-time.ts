const INFINITY = 2n ** 63n - 1n;
const MICROS_A_MILLI = 1000n;
const NANOS_A_MICRO = 1000n;

/** The quotient towards minus infinity, and what is left. */
function floored(value: bigint, by: bigint): readonly [quotient: bigint, rest: bigint] {
  const rest = ((value % by) + by) % by;
  return [(value - rest) / by, rest];
}

/** Whole milliseconds, and the microseconds that are left. */
function millisOf(micros: bigint): readonly [millis: number, rest: number] {
  const exact = Number(micros);
  // Times of these centuries need none of the arithmetic of bigints, which takes longer than all the rest.
  if (Number.isSafeInteger(exact)) {
    const millis = Math.floor(exact / 1000);
    return [millis, exact - millis * 1000];
  }
  const [millis, rest] = floored(micros, MICROS_A_MILLI);
  return [Number(millis), Number(rest)];
}

/**
 * Microseconds since the epoch as ISO 8601 in UTC; six digits only where milliseconds would lose something. DuckDB's infinities
 * are `infinity` and `-infinity`.
 * @param scale microseconds of one `count`
 */
export function isoMicros(count: bigint, scale = 1n): string {
  if (count === INFINITY) return 'infinity';
  if (count === -INFINITY) return '-infinity';
  const micros = count * scale;
  const [millis, rest] = millisOf(micros);
  const date = new Date(millis);
  // DuckDB's range is wider than JavaScript's; such a time is nobody's measurement, but it must not throw.
  if (Number.isNaN(date.getTime())) return `${micros}us`;
  const text = date.toISOString();
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** Nanoseconds since the epoch; nine digits only where microseconds would lose something. */
export function isoNanos(nanos: bigint): string {
  if (nanos === INFINITY || nanos === -INFINITY) return isoMicros(nanos);
  const [micros, rest] = floored(nanos, NANOS_A_MICRO);
  if (rest === 0n) return isoMicros(micros);
  const [, ofSecond] = floored(micros, 1_000_000n);
  const digits = String(ofSecond).padStart(6, '0') + String(rest).padStart(3, '0');
  return isoMicros(micros).replace(/\.\d+Z$/, `.${digits}Z`);
}

const TIMESTAMP =
  /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:(Z)|([+-])(\d{2})(?::?(\d{2}))?(?::?(\d{2}))?)?$/;

/**
 * Microseconds since the epoch of a timestamp as DuckDB prints it (`2026-01-01 00:00:39.123456+00`) or as ISO 8601;
 * without an offset it is UTC. Digits beyond microseconds are cut. Undefined for anything else (`infinity`, years outside 0..9999).
 */
export function parseTimestamp(text: string): bigint | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', , sign, oh = '0', om = '0', os = '0'] =
    match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  if (date.getUTCDate() !== Number(day) || date.getUTCMonth() !== Number(month) - 1) return undefined;
  const offset = (sign === '-' ? -1 : 1) * (Number(oh) * 3600 + Number(om) * 60 + Number(os));
  const micros = BigInt(fraction.slice(0, 6).padEnd(6, '0'));
  return BigInt(date.getTime() - offset * 1000) * 1000n + micros;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

/** ISO 8601 with milliseconds, rounded down or up; undefined when the year has not four digits. */
export function isoMillis(micros: bigint, round: 'down' | 'up'): string | undefined {
  const millis = round === 'down' ? floorDiv(micros, 1000n) : -floorDiv(-micros, 1000n);
  const date = new Date(Number(millis));
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999 ? date.toISOString() : undefined;
}

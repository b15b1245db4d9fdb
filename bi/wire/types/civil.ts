import type { Output } from '../protocol/output.ts';
import { writeFraction } from './digits.ts';

/** Microseconds of a day. */
export const DAY_MICROS = 86_400_000_000n;

/** Days and microseconds from 1970-01-01, where DuckDB counts from, to 2000-01-01, where PostgreSQL does. */
export const PG_EPOCH_DAYS = 10_957;
export const PG_EPOCH_MICROS = BigInt(PG_EPOCH_DAYS) * DAY_MICROS;

/**
 * The date of a day counted from 1970-01-01 in the proleptic Gregorian calendar. Year 0 is 1 BC.
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
 */
export function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

/** `2026-01-20`, with what follows `BC` for years before 1. */
function dateParts(days: number): { date: string; era: string } {
  const { year, month, day } = civilFromDays(days);
  const shown = year > 0 ? year : 1 - year;
  return { date: `${String(shown).padStart(4, '0')}-${two(month)}-${two(day)}`, era: year > 0 ? '' : ' BC' };
}

export function dateText(days: number): string {
  const { date, era } = dateParts(days);
  return date + era;
}

const [HYPHEN, COLON, POINT, SPACE] = [0x2d, 0x3a, 0x2e, 0x20];

/** Writes what `dateText` says. */
export function writeDate(out: Output, days: number): void {
  const { year, month, day } = civilFromDays(days);
  if (year < 1 || year > 9999) {
    out.text(dateText(days));
    return;
  }
  out.digits(year, 4);
  out.uint8(HYPHEN);
  out.digits(month, 2);
  out.uint8(HYPHEN);
  out.digits(day, 2);
}

/** `04:05:06.789`: hours may pass 24. */
export function timeText(micros: bigint): string {
  return clockText(Number(micros / 1_000_000n), Number(micros % 1_000_000n));
}

function clockText(seconds: number, fraction: number): string {
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === 0 ? clock : `${clock}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
}

/** @param zone what follows the time, such as `+00` */
export function timestampText(micros: bigint, zone: string): string {
  let days = micros / DAY_MICROS;
  let rest = micros % DAY_MICROS;
  if (rest < 0n) {
    rest += DAY_MICROS;
    days -= 1n;
  }
  const { date, era } = dateParts(Number(days));
  return `${date} ${timeText(rest)}${zone}${era}`;
}

/** Writes what `timestampText` says. */
export function writeTimestamp(out: Output, micros: bigint, zone: string): void {
  const exact = Number(micros);
  // Three centuries around 1970 need no big integers.
  if (!Number.isSafeInteger(exact)) {
    out.text(timestampText(micros, zone));
    return;
  }
  const days = Math.floor(exact / 86_400e6);
  const rest = exact - days * 86_400e6;
  const seconds = Math.floor(rest / 1e6);
  writeDate(out, days);
  out.uint8(SPACE);
  out.digits(Math.floor(seconds / 3600), 2);
  out.uint8(COLON);
  out.digits(Math.floor(seconds / 60) % 60, 2);
  out.uint8(COLON);
  out.digits(seconds % 60, 2);
  const fraction = rest - seconds * 1e6;
  if (fraction !== 0) {
    out.uint8(POINT);
    writeFraction(out, fraction, 6);
  }
  out.text(zone);
}

/** An offset from UTC in seconds, as PostgreSQL shows it: `+00`, `-03:30`. */
export function offsetText(seconds: number): string {
  const size = Math.abs(seconds);
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60].map(two);
  while (parts.length > 1 && parts.at(-1) === '00') parts.pop();
  return `${seconds < 0 ? '-' : '+'}${parts.join(':')}`;
}

/** `1 year 2 mons 3 days 04:05:06`: the style `postgres` of PostgreSQL's IntervalStyle. */
export function intervalText(months: number, days: number, micros: bigint): string {
  const parts: string[] = [];
  let before = false;
  const add = (count: number, unit: string) => {
    if (count === 0) return;
    parts.push(`${before && count > 0 ? '+' : ''}${count} ${unit}${count === 1 ? '' : 's'}`);
    before = count < 0;
  };
  add(Math.trunc(months / 12), 'year');
  add(months % 12, 'mon');
  add(days, 'day');
  if (micros !== 0n || parts.length === 0) {
    const sign = micros < 0n ? '-' : before ? '+' : '';
    parts.push(sign + timeText(micros < 0n ? -micros : micros));
  }
  return parts.join(' ');
}

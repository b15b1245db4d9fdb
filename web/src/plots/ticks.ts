/** More ticks than this on an axis are hard to read. */
const MOST = 17;

/** Whole numbers to label on an axis that has these: all while they are few, else every so many from the first. */
export function wholeTicks(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = [1, 2, 4, 5, 10, 20, 50, 100].find((size) => (high - low) / size < MOST) ?? 1000;
  const ticks: number[] = [];
  for (let tick = low; tick <= high; tick += step) ticks.push(tick);
  return ticks;
}

/** How numbers of an axis are written: all in one notation, by the greatest of them. */
export function axisFormat(values: Iterable<number | null>): (value: number) => string {
  let greatest = 0;
  for (const value of values) greatest = Math.max(greatest, Math.abs(value ?? 0));
  const plain = greatest === 0 || (greatest >= 0.01 && greatest < 1e6);
  return (value) => {
    if (value === 0) return '0';
    const text = plain
      ? String(Number(value.toPrecision(3)))
      : value.toExponential(2).replace(/\.?0*e\+?/, ' e');
    return text.replaceAll('-', '−');
  };
}

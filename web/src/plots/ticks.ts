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

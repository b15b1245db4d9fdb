import { linearScale, niceTicks, type Scale, tickLabel } from './scale.ts';
import { FAINT, INK, line, text } from './svg.ts';

/** A rectangle of a drawing. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface ValueAxis {
  readonly scale: Scale;
  readonly markup: readonly string[];
}

/**
 * The upright axis of a box: round numbers that enclose zero and the values, a faint line each, and its name.
 * @param leastStep between two numbers, 1 for counts
 */
export function valueAxis(box: Box, values: readonly number[], name: string, leastStep = 0): ValueAxis {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...finite), Math.max(0, ...finite)];
  const ticks = niceTicks(low, low === high ? 1 : high, { leastStep });
  const bottom = box.top + box.height;
  const scale = linearScale([ticks[0]!, ticks.at(-1)!], [bottom, box.top]);
  const lines = ticks.map((tick) =>
    line([box.left, scale(tick)], [box.left + box.width, scale(tick)], tick === 0 ? INK : FAINT),
  );
  const labels = ticks.map((tick) => text(box.left - 7, scale(tick) + 4, tickLabel(tick), { anchor: 'end' }));
  const title = text(box.left - 44, box.top + box.height / 2, name, { anchor: 'middle', rotate: -90 });
  return { scale, markup: [...lines, ...labels, title] };
}

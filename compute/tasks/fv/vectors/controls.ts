import { type HeadPlace, headKey } from '../../../../ingest/families/fv/ranking.ts';
import type { PythonRandom } from '../../python/random.ts';

/** Independent normal numbers, scaled to a norm: what any vector of that length does. */
export function randomVector(length: number, norm: number, random: PythonRandom): Float32Array {
  // Box and Muller; the second of each pair is not needed.
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.random())) * Math.cos(2 * Math.PI * random.random());
  const values = Float64Array.from({ length }, normal);
  const scale = norm / Math.hypot(...values);
  return Float32Array.from(values, (value) => value * scale);
}

/** As many heads as were chosen, of the others; all of them where they are fewer. In order of layer and head. */
export function randomHeads(
  heads: readonly HeadPlace[],
  chosen: readonly HeadPlace[],
  random: PythonRandom,
): HeadPlace[] {
  const taken = new Set(chosen.map(headKey));
  const others = heads.filter((head) => !taken.has(headKey(head)));
  return random
    .sample(others, Math.min(chosen.length, others.length))
    .map(({ layer, head }) => ({ layer, head }))
    .sort((a, b) => a.layer - b.layer || a.head - b.head);
}

import { z } from 'zod';
import { ranges } from './activations/norms.ts';

const layers = z.union([z.int(), z.array(z.int()), z.string()]);

/** Where the configurations of known tools say which layers a method looks at. */
const PLACES: readonly (readonly string[])[] = [
  ['probe', 'layer'],
  ['probe', 'layers'],
  ['method', 'data', 'probe_layer'],
  ['method', 'data', 'relevant_layers'],
  ['layer'],
  ['layers'],
];

/** The layers that a method reads, as its run's configuration says: "3", "1–6"; undefined where it does not. */
export function judgedLayers(config: unknown): string | undefined {
  for (const place of PLACES) {
    let found = config;
    for (const name of place) {
      const parent = z.record(z.string(), z.unknown()).safeParse(found);
      found = parent.success ? parent.data[name] : undefined;
    }
    const read = layers.safeParse(found);
    if (!read.success) continue;
    if (typeof read.data === 'string') return read.data.replace(/^(\d+)-(\d+)$/, '$1–$2');
    return typeof read.data === 'number' ? String(read.data) : ranges(read.data.toSorted((a, b) => a - b));
  }
  return undefined;
}

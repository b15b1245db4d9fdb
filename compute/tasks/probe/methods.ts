import { contrastive } from './contrastive/contrastive.ts';
import { logisticMethod } from './linear/linear-method.ts';
import type { ProbeMethod } from './method.ts';
import type { ProbeSpec } from './probe-spec.ts';
import { saplma } from './saplma.ts';

/** The methods by their names in a specification; a new one is a line here and its name in `PROBE_METHODS`. */
const METHODS: Readonly<Record<ProbeSpec['method'], ProbeMethod>> = {
  last_layer_baseline: logisticMethod('last'),
  layer_sweep: logisticMethod('each'),
  saplma,
  contrastive_v1: contrastive,
};

/** The method that a specification names. */
export function methodOf({ method }: Pick<ProbeSpec, 'method'>): ProbeMethod {
  return METHODS[method];
}

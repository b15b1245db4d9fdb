import type { Answer } from './answers.ts';
import { type TrainedProbe, trainContrastive, trainLogistic } from './probes.ts';
import { LAYERS, meanOfLayer } from './stream.ts';

/** A way to tell hallucinations from activations, as the example runs use it. */
export interface Method {
  readonly name: string;
  readonly layers: readonly number[];
  /** Whether scores are probabilities. */
  readonly calibrated: boolean;
  /** The `training` section of the configuration. */
  readonly training: Readonly<Record<string, number>>;
  readonly train: (views: readonly (readonly Float64Array[])[], labels: readonly boolean[]) => TrainedProbe;
}

export const METHODS: readonly Method[] = [
  {
    name: 'last_layer_baseline',
    layers: [LAYERS - 1],
    calibrated: true,
    training: { epochs: 30, batch_size: 75, sub_batch_size: 75, lr: 0.3 },
    train: (views, labels) => trainLogistic(views, labels, { epochs: 30, lr: 0.3 }),
  },
  {
    name: 'contrastive_v1',
    layers: [LAYERS - 2, LAYERS - 1],
    calibrated: false,
    training: { epochs: 15, batch_size: 75, sub_batch_size: 75, lr: 0.02, temperature: 0.25 },
    train: (views, labels) => trainContrastive(views, labels, { epochs: 15, lr: 0.02 }, 0.25),
  },
];

/** What a method sees of an answer: one mean vector a layer. */
export function viewsOf(answer: Answer, layers: readonly number[]): Float64Array[] {
  return layers.map((layer) => meanOfLayer(answer.stream, layer));
}

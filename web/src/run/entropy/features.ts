import * as Plot from '@observablehq/plot';
import { BLUE } from '../../plots/colours.ts';
import type { Drawing } from '../../plots/drawing.ts';
import { measured } from '../../ui/format.ts';
import type { MetricRow } from '../metrics.ts';

/** Metrics of control variates that are drawn. */
export const FEATURE_METRICS = ['var_ratio_single', 'corr', 'var_after_cv_joint'] as const;

interface Feature {
  readonly feature: string;
  /** Variance of the linear terms after regressing on the feature, over that before. */
  readonly ratio: number;
  readonly correlation: number | undefined;
  [column: string]: unknown;
}

/** What is left of the variance of the linear terms when a feature is regressed out; undefined for runs without control variates. */
export function drawFeatures(metrics: readonly MetricRow[]): Drawing | undefined {
  const byScope = new Map<string, number>();
  for (const { scope, metric, value } of metrics)
    if (value !== null) byScope.set(`${scope} ${metric}`, value);
  const features: Feature[] = metrics
    .flatMap(({ scope, metric, value }) =>
      metric === 'var_ratio_single' && scope.startsWith('feature:') && value !== null
        ? [{ feature: scope.slice(8), ratio: value, correlation: byScope.get(`${scope} corr`) }]
        : [],
    )
    .sort((a, b) => a.ratio - b.ratio);
  if (features.length === 0) return undefined;
  const joint = byScope.get('overall var_after_cv_joint');
  return {
    title: 'Variance left by control variates',
    description: `Variance of the linear terms g·v of the sequences after regressing on one feature, as a share of that before${
      joint === undefined ? '' : `; dashed: on the joint features together, ${measured(joint)}`
    }.`,
    rows: features,
    plot: {
      height: features.length * 20 + 60,
      marginLeft: 170,
      marginRight: 45,
      x: { label: 'variance after / before', domain: [0, 1], grid: true },
      y: { label: null, domain: features.map(({ feature }) => feature) },
      marks: [
        Plot.barX(features, { y: 'feature', x: 'ratio', fill: BLUE, insetTop: 2, insetBottom: 2 }),
        Plot.ruleX(joint === undefined ? [] : [joint], { strokeDasharray: '6 4', strokeWidth: 1.5 }),
        Plot.text(features, {
          y: 'feature',
          text: ({ ratio }: Feature) => measured(ratio),
          frameAnchor: 'right',
          textAnchor: 'start',
          dx: 6,
          fill: 'currentColor',
        }),
        Plot.tip(
          features,
          Plot.pointerY({
            y: 'feature',
            x: 'ratio',
            title: ({ feature, ratio, correlation }: Feature) =>
              `${feature}\nleaves ${measured(ratio, 4)}\ncorrelation ${measured(correlation)}`,
          }),
        ),
      ],
    },
  };
}

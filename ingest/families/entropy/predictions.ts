import type { Curvature } from '../../contracts/entropy/diagnostics.ts';

/** The derivatives that predict the change at a learning rate. */
export interface Derivatives {
  /** g·v */
  readonly linear: number;
  /** vᵀHv; undefined where the curvature was not computed. */
  readonly quadratic?: number | undefined;
}

export interface Prediction {
  /** g·v · eta */
  readonly linear: number;
  /** ½ vᵀHv · eta² */
  readonly quad: number | undefined;
  readonly linquad: number | undefined;
}

/** What the derivatives predict at a learning rate, for the batch or for one sequence. */
export function predict({ linear, quadratic }: Derivatives, eta: number): Prediction {
  const first = linear * eta;
  const quad = quadratic === undefined ? undefined : 0.5 * quadratic * eta * eta;
  return { linear: first, quad, linquad: quad === undefined ? undefined : first + quad };
}

/** The ratios that the curvature predicts, by learning rate. */
export function ratiosByEta(curvature: Curvature | undefined): Map<number, number> {
  return new Map(
    Object.entries(curvature?.ratio_pred ?? {}).map(([eta, ratio]) => [Number(eta), Number(ratio)]),
  );
}

/** 2 |g·v| / |vᵀHv|: the learning rate at which the quadratic prediction is back at zero, sign unseen. */
export function etaStar({ gdotv, vHvv }: Curvature): number {
  return vHvv === 0 ? Number.POSITIVE_INFINITY : (2 * Math.abs(gdotv)) / Math.abs(vHvv);
}

import type { Diagnostics, TrueEntry } from '../../../contracts/entropy/diagnostics.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import { sum } from '../../../stats/index.ts';
import type { Checks } from '../checks.ts';
import type { Normalization } from '../normalization.ts';
import type { TrueChange } from './true-change.ts';

/** A diagnostics run that was checked. */
export interface DiagnosticsContent {
  readonly document: Diagnostics;
  readonly checks: Checks;
  /** Of the derivatives. */
  readonly normalization: Normalization | undefined;
  /** A value a sequence, and their sums; undefined where sequences were not captured. */
  readonly gdotv: readonly number[] | undefined;
  readonly vhvv: readonly number[] | undefined;
  readonly gdotvSum: number | undefined;
  readonly vhvvSum: number | undefined;
}

/** A learning rate whose entry obeys its identities. */
export interface Point {
  readonly entry: TrueEntry;
  readonly raw: JsonObject;
  readonly change: TrueChange;
  readonly normalization: Normalization;
  readonly checks: Checks;
}

/** The linear and quadratic terms of the sequences, where they were captured. */
export function sequenceDerivatives({
  approx,
}: Diagnostics): Pick<DiagnosticsContent, 'gdotv' | 'vhvv' | 'gdotvSum' | 'vhvvSum'> {
  const { per_sequence: records, quadratic } = approx;
  const gdotv = records?.map((record) => record.gdotv);
  const recorded = records?.map((record) => record.vhvv);
  const complete = recorded?.every((value) => value !== undefined) ? recorded : undefined;
  const vhvv = complete ?? quadratic?.per_sequence_vhvv;
  return {
    gdotv,
    vhvv,
    gdotvSum: gdotv && sum(gdotv),
    vhvvSum: vhvv && sum(vhvv),
  };
}

import { hostname } from 'node:os';
import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import { messageOf } from '../../../lake/errors.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import type { ModelIdentity, ModelProcess, ModelVerdict } from '../../model/index.ts';
import { readVerdict, type StoredVerdict, writeVerdict } from '../../model/verdicts.ts';

export interface CheckedModel {
  readonly identity: ModelIdentity;
  readonly check: ModelCheck;
}

/** The self-checks are eight passes over a few dozen tokens; whoever needs longer has no use for the model either. */
const CHECK_MS = 10 * 60_000;

const PASSED: ModelCheck = { verdict: 'passed', failed_checks: [], reason: null };

type Checkable = Pick<ModelProcess, 'info' | 'identity' | 'check'>;

/**
 * Whether a loaded model may be relied on: what the lake knows of exactly this combination of weights, graph, provider and
 * arithmetic, or else what the self-checks say now, which is stored for the next job. A verdict that the model failed is not
 * believed but looked at again: the machine may have been at fault.
 * @param name of the model, for the list of models
 */
export async function checkedModel(
  model: Checkable,
  name: string,
  store: ObjectStore,
  signal: AbortSignal,
  { timeMs = CHECK_MS } = {},
): Promise<CheckedModel> {
  const identity = await model.identity(signal);
  const { layers } = await model.info(signal);
  for (const taps of [everyTap(layers), identity.taps]) {
    const known = await readVerdict(store, { ...identity, taps }, signal);
    if (known?.passed === true) return { identity, check: PASSED };
  }
  const limit = AbortSignal.timeout(timeMs);
  try {
    const verdict = await registerModel(model, name, store, AbortSignal.any([signal, limit]));
    return { identity, check: checkOf(verdict) };
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = limit.aborted
      ? `its self-checks took longer than ${Math.round(timeMs / 1000)} s`
      : `its self-checks broke off: ${messageOf(error)}`;
    return { identity, check: { verdict: 'unverified', failed_checks: [], reason } };
  }
}

/** Runs the self-checks and stores what they say. @throws as `ModelProcess.check` */
export async function registerModel(
  model: Pick<Checkable, 'info' | 'check'>,
  name: string,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<StoredVerdict> {
  const { modelType } = await model.info(signal);
  const verdict = await model.check(signal);
  const stored = { ...verdict, name, modelType, checkedAt: new Date().toISOString(), machine: hostname() };
  await writeVerdict(store, stored, signal);
  return stored;
}

function everyTap(layers: number): ModelIdentity['taps'] {
  const residual = Array.from({ length: layers + 1 }, (_, point) => point);
  return { residual, heads: residual.slice(0, -1) };
}

function checkOf({ passed, checks }: ModelVerdict): ModelCheck {
  if (passed) return PASSED;
  const failed = checks.filter((check) => !check.passed).map(({ name }) => name);
  return { verdict: 'failed', failed_checks: failed, reason: null };
}

/** What the log of a job says of a model; undefined when there is nothing to say. */
export function warningOf({ verdict, failed_checks: failed, reason }: ModelCheck): string | undefined {
  if (verdict === 'passed') return undefined;
  if (verdict === 'failed') return `the model fails its self-checks: ${failed.join(', ')}`;
  return `the model is unverified: ${reason ?? 'it was not checked'}`;
}

const WORSE = ['passed', 'unverified', 'failed'] as const;

/** Member `model_check` of an artifact that several models computed: as good as the worst of them. None for none. */
export function checkMember(checks: readonly ModelCheck[]): { model_check?: ModelCheck } {
  if (checks.length === 0) return {};
  const worst = Math.max(...checks.map(({ verdict }) => WORSE.indexOf(verdict)));
  return {
    model_check: {
      verdict: WORSE[worst]!,
      failed_checks: [...new Set(checks.flatMap(({ failed_checks }) => failed_checks))],
      reason: checks.find(({ reason }) => reason !== null)?.reason ?? null,
    },
  };
}

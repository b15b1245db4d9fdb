import { z } from 'zod';
import { type QID_STATES, qidStatusSchema } from '../../../ingest/contracts/fv/qid-status.ts';
import { ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';
import { float, type PythonValue, pythonJson } from '../python/json.ts';
import {
  additionsRecord,
  type Experiment,
  hasAdditions,
  location,
  queryRoot,
  samplingOf,
} from './artifacts/experiment.ts';

type State = (typeof QID_STATES)[number];

/** What may follow a state. A relation query that was done or failed may be begun again with other settings. */
const NEXT: Readonly<Record<State | 'none', readonly State[]>> = {
  none: ['pending'],
  pending: ['pending', 'running', 'skipped', 'failed'],
  running: ['pending', 'completed', 'failed'],
  completed: ['pending'],
  failed: ['pending'],
  skipped: ['pending'],
  dry_run: ['pending'],
};

/** `qid_status.json` of one relation query: written whole at each change of state. */
export class QueryStatus {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #experiment: Experiment;
  readonly #facts: Readonly<Record<string, PythonValue>>;
  #state: State | 'none';
  readonly #createdAt: string;
  /** Of everything that the artifacts depend on; undefined before the first attempt. */
  #fingerprint: string | undefined;

  private constructor(
    store: ObjectStore,
    key: string,
    experiment: Experiment,
    facts: Readonly<Record<string, PythonValue>>,
    before: StoredStatus | undefined,
  ) {
    this.#store = store;
    this.#key = key;
    this.#experiment = experiment;
    this.#facts = facts;
    this.#state = before?.status ?? 'none';
    this.#fingerprint = before?.fingerprint;
    this.#createdAt = before?.created_at ?? experiment.createdAt;
  }

  /** Takes up the status of an earlier attempt. One that cannot be read counts as none. @param facts rows and the like */
  static async open(
    store: ObjectStore,
    experiment: Experiment,
    facts: Readonly<Record<string, PythonValue>>,
    signal: AbortSignal,
  ): Promise<QueryStatus> {
    const key = `${experiment.root}/qid_status.json`;
    return new QueryStatus(store, key, experiment, facts, await readStatus(store, key, signal));
  }

  get state(): State | 'none' {
    return this.#state;
  }

  get fingerprint(): string | undefined {
    return this.#fingerprint;
  }

  /** Whether there is nothing left to do for what has this fingerprint. */
  isSettled(fingerprint: string): boolean {
    const settled = this.#state === 'completed' || this.#state === 'skipped';
    return settled && this.#fingerprint === fingerprint;
  }

  /** Goes on to a state. @param more members that belong to it, such as the reason */
  async set(
    state: State,
    fingerprint: string,
    signal: AbortSignal,
    more: Readonly<Record<string, PythonValue>> = {},
  ): Promise<void> {
    if (!NEXT[this.#state].includes(state))
      throw new Error(`a query is ${this.#state} and cannot become ${state}`);
    const { qId, model, modelType, relationPath, trials, demos, topk, scoreKey, alpha } = this.#experiment;
    const { evalExamples, seed, compute, provider } = this.#experiment;
    const directory = queryRoot(this.#experiment);
    const document = pythonJson(
      {
        q_id: qId,
        status: state,
        created_at: this.#createdAt,
        updated_at: new Date().toISOString(),
        config: {
          model,
          model_spec: modelType,
          relation_csv_path: relationPath,
          n_trials_per_q: trials,
          n_demos: demos,
          topk,
          score_key: scoreKey,
          alpha: float(alpha),
          n_eval: evalExamples,
          seed,
          // The contract has these for all queries together only, where the next job overwrites them.
          dtype: compute,
          device: provider,
          ...samplingOf(this.#experiment),
          ...(hasAdditions(this.#experiment) ? { additions: additionsRecord(this.#experiment) } : {}),
        },
        ...this.#facts,
        q_root: directory,
        ...location(directory),
        ...more,
        fingerprint,
      },
      2,
    );
    await this.#store.put(this.#key, Buffer.from(document), { signal });
    this.#state = state;
    this.#fingerprint = fingerprint;
  }
}

const storedSchema = qidStatusSchema.extend({ fingerprint: z.string().optional() });
type StoredStatus = z.infer<typeof storedSchema>;

async function readStatus(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<StoredStatus | undefined> {
  try {
    const bytes = await store.get(key, { signal });
    const parsed = storedSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

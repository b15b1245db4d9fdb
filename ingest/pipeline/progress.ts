/** Where an ingest stands. Totals are known once discovery has ended. */
export interface IngestProgress {
  readonly stage: 'discovering' | 'ingesting' | 'committing' | 'done';
  readonly runsFound: number;
  readonly runsDone: number;
  /** Bytes of artifacts and stores that were hashed or read. */
  readonly bytes: number;
  /** Entries of activation stores that were written. */
  readonly storeEntries: number;
  /** What is being worked on, for people. */
  readonly current: string | undefined;
}

export type ProgressListener = (progress: IngestProgress) => void;

/** Collects what the workers of one ingest report, and tells the listener. */
export class ProgressMeter {
  #state: IngestProgress = {
    stage: 'discovering',
    runsFound: 0,
    runsDone: 0,
    bytes: 0,
    storeEntries: 0,
    current: undefined,
  };
  readonly #listener: ProgressListener | undefined;

  constructor(listener?: ProgressListener) {
    this.#listener = listener;
  }

  stage(stage: IngestProgress['stage'], current?: string): void {
    this.#update({ stage, current });
  }

  add(delta: Partial<Record<'runsFound' | 'runsDone' | 'bytes' | 'storeEntries', number>>): void {
    const { runsFound, runsDone, bytes, storeEntries } = this.#state;
    this.#update({
      runsFound: runsFound + (delta.runsFound ?? 0),
      runsDone: runsDone + (delta.runsDone ?? 0),
      bytes: bytes + (delta.bytes ?? 0),
      storeEntries: storeEntries + (delta.storeEntries ?? 0),
    });
  }

  current(what: string): void {
    this.#update({ current: what });
  }

  #update(change: Partial<IngestProgress>): void {
    this.#state = { ...this.#state, ...change };
    this.#listener?.(this.#state);
  }
}

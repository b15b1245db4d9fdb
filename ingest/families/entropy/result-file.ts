import type { Config } from '../../contracts/entropy/companions.ts';
import type { JsonObject } from '../../contracts/json-value.ts';
import type { RunSink } from '../../family.ts';
import type { RunSource } from './companions.ts';
import type { Normalization } from './normalization.ts';

/** A result file of any shape on its way into rows. */
export interface ResultFile {
  readonly document: JsonObject;
  /** Path from the run's directory. */
  readonly file: string;
  /** Name of the run's directory. */
  readonly run: string;
  readonly source: RunSource;
  readonly config: Config | undefined;
}

/** What a result file says, once it obeys its contract. */
export interface ResultReading {
  /** Of the derivatives, and of the true change; undefined where nothing tells. */
  readonly normalization: Normalization | undefined;
  readonly trueNormalization: Normalization | undefined;
  /** Whether sequences were captured; undefined where the plan has no say in it. */
  readonly captured?: boolean;
  /** How the linear term was computed, where the file says. */
  readonly method: string | undefined;
  /** When the results were made, as ISO 8601. */
  readonly createdAt?: string | undefined;
  /** What companions say that has no table. */
  readonly manifest?: JsonObject;
  /** Puts the rows into their tables. */
  emit(sink: RunSink): Promise<void>;
}

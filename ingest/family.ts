import type { Floats } from '../lake/parquet/floats/floats.ts';
import type { ObjectInfo, ObjectStore } from '../lake/store/object-store.ts';
import type { ColumnRows, Row, TableSpec } from '../lake/tables/schema.ts';
import type { Directory } from './discovery/directory.ts';

/** The kinds of experiment whose artifacts Runlake reads (column `runs.family`). */
export type FamilyName = 'HALLULENS' | 'CHAOSBENCH' | 'ENTROPY' | 'FV' | 'LM_EVAL';

export type Severity = 'error' | 'warning' | 'info';

/** Something wrong or noteworthy in an artifact. An issue of severity `error` rejects the run. */
export interface Issue {
  readonly severity: Severity;
  /** Stable, `SCREAMING_SNAKE_CASE`. */
  readonly code: string;
  /** What was found and what was expected, in one sentence. */
  readonly message: string;
  /** Artifact, relative to the run directory (`../…` for a store beside it). */
  readonly file?: string;
  /** 1-based line. */
  readonly line?: number;
  /** RFC 6901 pointer within the file or the line. */
  readonly pointer?: string;
}

/**
 * One tree of artifacts, read-only. `store` is rooted as high as it can be (the file system's root, the bucket)
 * and `prefix` is what the user named: discovery lists only below the prefix, but a run may refer to a store
 * that lies beside the directory the user named. A run's identity comes from the components of `store.uri` and
 * of its key together, so it is the same whether the user names a parent, the tree, or the run itself.
 */
export interface SourceTree {
  readonly store: ObjectStore;
  /** Key of the directory that the user named, without a trailing slash; empty for the whole store. */
  readonly prefix: string;
}

/** A run found by discovery; only names (and small marker files) were read. */
export interface RunCandidate {
  readonly family: FamilyName;
  /** Which layout it has, e.g. `contract-run`, `runner-run`, `output-tree`, `capture`, `store`. */
  readonly kind: string;
  /** Key of the run directory in `tree.store`, without a trailing slash. */
  readonly root: string;
  /** `namespace/family/path`; stable when the tree moves. */
  readonly runId: string;
  /** Which of several runs, where its files hold more than one. */
  readonly part?: string;
  /** The run's own files, in key order; an activation store's files are not among them (see `FamilyStores`). */
  readonly files: readonly ObjectInfo[];
  /** The one of the files that alone is the measurement: another run with the same bytes there is a copy of it. */
  readonly results?: ObjectInfo;
  /** A copy that may lack something of its original, as a published run does: the original is read where both are found. */
  readonly copy?: boolean;
  /** Files that belong to the run and are listed but never read (weights, checkpoints); possibly cut off. */
  readonly attachments?: readonly ObjectInfo[];
}

export interface DiscoverContext {
  /** First component of every run id. */
  readonly namespace: string;
  readonly signal?: AbortSignal;
  /**
   * Noteworthy things that belong to no run; never errors. `file` is the key of a file or of a directory: what lies
   * there counts as explained.
   */
  readonly issue?: (issue: Issue) => void;
  /** Says that a family knows what lies at and below a key, though it is no run of its own (a store, say). */
  readonly recognised?: (key: string) => void;
}

export interface ReadContext {
  readonly tree: SourceTree;
  /** Per-record errors become warnings and only these records are dropped. */
  readonly lenient: boolean;
  readonly signal?: AbortSignal;
}

export type StoreFormat = 'lmdb' | 'json_npy' | 'zarr' | 'memmap';

/** Which part of an entry's sequence becomes rows. `recorded` follows the store's own `sequence_mode`. */
export type SequenceSelection = 'recorded' | 'all' | 'prompt' | 'response';

/** `all`: one row a token; `last`, `mean`: one row a layer (`mean` accumulates in double precision). */
export type TokenSelection = 'all' | 'last' | 'mean';

/** Which rows are made of a store. Part of the store's identity in the lake. */
export interface ActivationOptions {
  /** Layers to keep, as indices into the stored list; every layer when absent. */
  readonly layers?: readonly number[];
  readonly tokens: TokenSelection;
  readonly sequence: SequenceSelection;
}

export const DEFAULT_ACTIVATION_OPTIONS: ActivationOptions = Object.freeze({
  tokens: 'all',
  sequence: 'recorded',
});

/** An activation store in a tree: plain data, comparable by `format` and `root`. */
export interface StoreRef {
  readonly format: StoreFormat;
  /** Key of the store's directory in `tree.store`, without a trailing slash. */
  readonly root: string;
  /** Every file of the store starts with one of these prefixes (an LMDB store has two environments). */
  readonly prefixes: readonly string[];
}

/** What a store knows about one entry without its tensors. */
export interface StoreEntryInfo {
  readonly key: string;
  readonly exampleId: string | null;
  readonly modelId: string | null;
  readonly prompt: string | null;
  readonly response: string | null;
  /** False for entries that have only text. */
  readonly hasActivations: boolean;
  /** Everything else that the store recorded about the entry, as one JSON text. */
  readonly meta: string;
}

/** One layer of one entry, decoded. */
export interface LayerValues {
  /** Vectors, row-major: `tokens` x `dim`. Never written to again by the reader, whose memory they may be. */
  readonly values: Floats;
  readonly tokens: number;
  readonly dim: number;
  /** dtype in the artifact: `float16`, `bfloat16`, `float32` or `float64` (the last is rounded to float). */
  readonly dtype: string;
}

/** What was recorded about the tokens of a segment; arrays are parallel, `topK` values a token. */
export interface TokenRecord {
  readonly segment: 'prompt' | 'response';
  readonly ids: ArrayLike<number>;
  readonly logprobs?: ArrayLike<number>;
  readonly topK?: number;
  /** `ids.length * topK`; -1 where nothing was recorded. */
  readonly topIds?: ArrayLike<number>;
  readonly topLogprobs?: ArrayLike<number>;
}

/** The vectors that an entry has at one site, layer by layer. */
export interface SiteVectors {
  /** E.g. `resid_post`, or `attn_pattern` for rows of attention weights. */
  readonly site: string;
  /** One more than the highest layer: blocks + 1, since layer 0 is the embedding output. */
  readonly layerCount: number;
  /** Tokens of the sequence that belong to the prompt; undefined where the store does not tell. */
  readonly promptTokens: number | undefined;
  /** Position of the first token of the sequence in the recorded one; 0 unless the prompt was cut off. */
  readonly firstToken: number;
  /** Where vectors are not those of the sequence's tokens one after the other: how they were chosen, and the token of each (-1 for a mean). */
  readonly selected?: { readonly selector: string; readonly tokens: readonly number[] };
  /** Undefined for a layer that was not recorded. Reads what it needs; at most one layer is held. */
  layer(index: number, signal?: AbortSignal): Promise<LayerValues | undefined>;
}

/**
 * One entry with access to its tensors, valid until the next entry is asked for. The sequence of a layer is what
 * was asked for of what the store holds, prompt tokens first.
 */
export interface StoreEntry extends StoreEntryInfo, SiteVectors {
  readonly tokenRecords: readonly TokenRecord[];
  readonly otherSites?: readonly SiteVectors[];
}

/** Reads one store front to back with bounded memory: the keys may be held, tensors one layer at a time. */
export interface StoreReader {
  readonly format: StoreFormat;
  /** What was found wrong so far; complete when `entries` or `infos` has ended. */
  readonly issues: readonly Issue[];
  /**
   * Keys of entries whose tensors could not be read (`entries` left them out, each with an issue); complete when
   * `entries` has ended.
   */
  readonly damaged: readonly string[];
  /** Every key with activations, from the store's index only: no text, no tensors. */
  keys(signal?: AbortSignal): AsyncIterable<string>;
  /** Every entry without tensors, in the store's order. */
  infos(signal?: AbortSignal): AsyncIterable<StoreEntryInfo>;
  /** Every entry that can be read, in the store's order, sequences cut to `sequence`. */
  entries(options: ActivationOptions, signal?: AbortSignal): AsyncIterable<StoreEntry>;
}

/** What the lake answers when a run refers to a store. */
export interface StoreResult {
  readonly storeId: string;
  /** Entries, those without activations included. */
  readonly nEntries: number;
  /** Rows of `activations`. */
  readonly nActivations: number;
  /** `StoreReader.damaged` of the ingest that read it. */
  readonly damaged: readonly string[];
  /** What was found wrong while it was ingested; every run that refers to the store repeats it. */
  readonly issues: readonly Issue[];
}

/** Where a family puts what it reads. The pipeline fills `run_id`, `ingest_id` and `store_ingest_id`. */
export interface RunSink {
  /** What the rows are made of may be used again once they are taken. */
  rows(table: TableSpec, rows: readonly Row[] | ColumnRows): Promise<void>;
  issue(issue: Issue): void;
  /** Ingests the store if its content is new, and ties it to the run. */
  store(ref: StoreRef): Promise<StoreResult>;
}

/** `partial`: ended or not, something is missing that a completed run has. */
export type RunStatus = 'completed' | 'failed' | 'running' | 'partial' | 'pending' | 'skipped';

/** The columns of `runs` that the artifacts determine, by column name. */
export interface RunColumns {
  readonly method: string | null;
  readonly model_id: string | null;
  readonly benchmark: string | null;
  readonly split: string | null;
  readonly seed: number | bigint | null;
  /** `YYYY-MM-DD`. */
  readonly run_date: string | null;
  /** Microseconds since the epoch. */
  readonly created_at: bigint | null;
  readonly status: RunStatus;
  readonly verdict: string | null;
  readonly verdict_reasons: readonly string[] | null;
  readonly git_commit: string | null;
  readonly git_dirty: boolean | null;
  /** JSON texts. */
  readonly config: string | null;
  readonly manifest: string | null;
  readonly compliance: string | null;
}

/** What `Family.read` resolves to. */
export interface RunSummary {
  readonly columns: RunColumns;
  /** False iff an issue of severity `error` was raised: nothing of the run may become visible. */
  readonly accepted: boolean;
}

/**
 * Looks for the runs of one family while one listing of a tree passes by. Reads only small files, and only where names
 * do not tell.
 */
export interface RunFinder {
  /** The runs that a directory tells of, once the listing has left it: children come before their parents. */
  visit(directory: Directory): Promise<readonly RunCandidate[]>;
  /** Runs that only the whole tree tells, after the last directory. */
  finish?(): Promise<readonly RunCandidate[]>;
}

/** The activation stores of a family. */
export interface FamilyStores {
  /**
   * The stores a run refers to, found with a few small reads: their content is part of the run's content hash.
   * A reference that leads nowhere is left out here and becomes an issue in `read`.
   */
  of(candidate: RunCandidate, context: ReadContext): Promise<readonly StoreRef[]>;
  open(ref: StoreRef, context: ReadContext): Promise<StoreReader>;
}

/** Names: a set of them, or a rule. */
export interface Marks {
  has(name: string): boolean;
}

/** One family of artifacts: how its runs are found and read. */
export interface Family {
  readonly name: FamilyName;
  /** File names by which it knows its directories: kept of every directory, however many files lie in it. */
  readonly marks: Marks;
  /** Starts to look for runs in a tree. */
  finder(tree: SourceTree, context: DiscoverContext): RunFinder;
  /** How the activation stores are read that its runs refer to; absent where runs refer to none. */
  readonly stores?: FamilyStores;
  /** Reads, validates and emits rows. Violations are issues; throws only for I/O failures and cancellation. */
  read(candidate: RunCandidate, sink: RunSink, context: ReadContext): Promise<RunSummary>;
}

import type { JobService } from '../compute/jobs/job-service.ts';
import type { StoredVerdict } from '../compute/model/verdicts.ts';
import type { PublishRequest, PublishResult } from '../compute/tasks/chaos/publish/publish.ts';
import type { ProbeDocument } from '../compute/tasks/probe/probe-document.ts';
import type { LakeReader } from '../lake/engine/types.ts';
import type { Exporter } from '../lake/export/exporter.ts';
import type { AddressPolicy } from './access/addresses.ts';
import type { Principal } from './access/principal.ts';
import type { Limits } from './limits/limits.ts';
import type { RequestCost } from './observability/cost.ts';
import type { Metrics } from './observability/metrics.ts';
import type { SnapshotScope } from './snapshots.ts';
import type { ValueIssues } from './value-issues.ts';

/** One problem that ingest found, as in the `issues` table. */
export interface IngestedIssue {
  readonly severity: string;
  readonly code: string;
  readonly file?: string | null;
  readonly line?: number | null;
  readonly pointer?: string | null;
  readonly message: string;
}

/** What happened to one run. */
export interface IngestedRun {
  readonly runId: string;
  readonly family: string;
  readonly status: 'ingested' | 'unchanged' | 'replaced' | 'rejected';
  readonly rows: Readonly<Record<string, number>>;
  readonly issues: readonly IngestedIssue[];
}

/** What an ingest did. */
export interface IngestedTree {
  readonly runs: readonly IngestedRun[];
  /** What belongs to no run. */
  readonly issues: readonly IngestedIssue[];
}

export interface IngestRequest {
  readonly uri: string;
  /** Nothing outside this place is read, whatever links and artifacts say. Everything when undefined. */
  readonly within?: string;
  readonly namespace?: string;
  readonly lenient?: boolean;
  /** Check and report, but write nothing. */
  readonly dryRun?: boolean;
}

/** Brings run directories into the lake. */
export interface Ingestor {
  ingest(request: IngestRequest, options: { readonly signal: AbortSignal }): Promise<IngestedTree>;
}

/** What compaction did to one table. */
export interface CompactedTable {
  readonly table: string;
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Version of the table afterwards. */
  readonly version: number;
}

export interface VacuumRequest {
  readonly table?: string;
  /** Files that left the tables longer ago than this may go. */
  readonly retentionHours?: number;
  readonly dryRun?: boolean;
}

/** Which objects a vacuum deleted (or would delete). */
export interface VacuumedTable {
  readonly table: string;
  readonly files: number;
  readonly bytes: number;
}

/** Keeps the tables small and fast. */
export interface Upkeep {
  compact(
    table: string | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly CompactedTable[]>;
  vacuum(
    request: VacuumRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly VacuumedTable[]>;
}

/** Publishes runs. */
export interface Publisher {
  publish(request: PublishRequest, options: { readonly signal: AbortSignal }): Promise<PublishResult>;
}

/** What is known of models. */
export interface Models {
  verdicts(options: { readonly signal: AbortSignal }): Promise<readonly StoredVerdict[]>;
}

/** Reads the probes that runs left beside the lake. */
export interface Probes {
  /** Of the run whose artifacts lie at a URI; undefined where there is none. */
  read(
    sourceUri: string,
    options: { readonly signal: AbortSignal },
  ): Promise<Pick<ProbeDocument, 'weights' | 'site' | 'layer' | 'segment' | 'token'> | undefined>;
}

/** The part of a pino logger that is used here. */
export interface Logger {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** A table or view that SQL can read. */
export interface CatalogEntry {
  readonly kind: 'table' | 'view';
  readonly name: string;
  readonly description: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly description: string }[];
}

/** What a server has to answer with, the same for all its requests. What is absent is refused. */
export interface Services {
  readonly reader: LakeReader;
  /** Without it the mutation `ingest` is refused. */
  readonly ingestor?: Ingestor | undefined;
  /** Without it `compact` and `vacuum` are refused. */
  readonly upkeep?: Upkeep | undefined;
  /** Without it `publishRun` is refused. */
  readonly publisher?: Publisher | undefined;
  /** Without it everything about jobs is refused. */
  readonly jobs?: JobService | undefined;
  /** Without it `models` is refused. */
  readonly models?: Models | undefined;
  /** Without it activations cannot be compared with a probe. */
  readonly probes?: Probes | undefined;
  /** What `catalog` tells of the tables and views that SQL can read; nothing by default. */
  readonly catalog?: readonly CatalogEntry[] | undefined;
  /** Without it `exportQuery` is refused and there is nothing below `/export`. */
  readonly exporter?: Pick<Exporter, 'open' | 'write' | 'find'> | undefined;
  /** What counts; without it there is no `/metrics`. */
  readonly metrics?: Metrics | undefined;
}

/** What the resolvers of one request share. */
export interface RequestContext extends Services {
  readonly principal: Principal;
  /** What whoever asks may name beside the rows of the lake; everything when undefined. */
  readonly addresses: AddressPolicy | undefined;
  /** `http://host:port` as the client names this server; undefined outside HTTP. */
  readonly origin: string | undefined;
  readonly limits: Limits;
  /** What the request has read so far. */
  readonly cost: RequestCost;
  /** Aborted when the client goes away, when time is up, and when the server closes. */
  readonly signal: AbortSignal;
  /** `performance.now()` at which the request's time is up. */
  readonly deadline: number;
  /** Lifts the limit of time: an ingest takes as long as its data. */
  readonly unlimitTime: () => void;
  readonly snapshots: SnapshotScope;
  readonly issues: ValueIssues;
  readonly logger: Logger;
  readonly requestId: string;
}

import { RunlakeError } from '../../lake/errors.ts';
import type { ExportFormat } from '../../lake/export/result.ts';
import type { Principal } from '../access/principal.ts';
import type { Logger, RequestContext } from '../context.ts';
import { RequestCost } from './cost.ts';
import type { Metrics } from './metrics.ts';
import { statementId } from './statement-id.ts';

/** An export that begins: streamed as it is made, written to the store, or fetched from there. */
export interface ExportStart {
  readonly how: 'stream' | 'store' | 'download';
  readonly principal: Principal;
  readonly format: ExportFormat;
  /** What is exported; undefined for a download. */
  readonly sql?: string;
}

/** What became of an export. */
export interface FinishedExport extends Pick<ExportStart, 'how' | 'format'> {
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly seconds: number;
  /** Of what left the server or went to the store. */
  readonly rows: number;
  readonly written: number;
  readonly cost: Readonly<RequestCost>;
}

/** Keeps account of one export: one line in the log and one count, whatever becomes of it. */
export class ExportAccount {
  readonly cost: RequestCost;
  /** Token of the state that is read, once that is known. */
  snapshot: string | undefined;
  readonly #start: ExportStart;
  readonly #logger: Logger;
  readonly #metrics: Metrics | undefined;
  readonly #began = performance.now();
  #ended = false;

  constructor(
    start: ExportStart,
    { logger, metrics }: Pick<RequestContext, 'logger' | 'metrics'>,
    cost = new RequestCost(),
  ) {
    this.#start = start;
    this.#logger = logger;
    this.#metrics = metrics;
    this.cost = cost;
    if (start.sql !== undefined)
      logger.debug({ statement: statementId(start.sql), sql: start.sql }, 'export begins');
  }

  /** Once; later calls do nothing. */
  ended(written: { readonly rows: number; readonly bytes: number }, outcome = 'ok'): void {
    if (this.#ended) return;
    this.#ended = true;
    const ms = performance.now() - this.#began;
    const { how, format, principal, sql } = this.#start;
    const { rows, bytes } = written;
    if (sql !== undefined) this.cost.answered(rows);
    const { files, bytes: read } = this.cost;
    this.#metrics?.exported({
      how,
      format,
      outcome,
      seconds: ms / 1000,
      rows,
      written: bytes,
      cost: this.cost,
    });
    this.#logger.info(
      {
        principal: principal.name,
        how,
        format,
        ...(sql !== undefined && { statement: statementId(sql) }),
        outcome,
        ms: Math.round(ms),
        files,
        bytes: read,
        rows,
        written: bytes,
        ...(this.snapshot !== undefined && { snapshot: this.snapshot }),
      },
      'export',
    );
  }

  failed(error: unknown, written = { rows: 0, bytes: 0 }): void {
    this.ended(written, error instanceof RunlakeError ? error.code : 'INTERNAL');
  }

  /** The pieces of an export as they leave; `rows` is asked for after the last. */
  async *counted(pieces: AsyncIterable<Uint8Array>, rows: () => number): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    try {
      for await (const piece of pieces) {
        bytes += piece.byteLength;
        yield piece;
      }
      this.ended({ rows: rows(), bytes });
    } catch (error) {
      this.failed(error, { rows: 0, bytes });
      throw error;
    } finally {
      // Who reads no further has gone away.
      this.ended({ rows: 0, bytes }, 'CANCELLED');
    }
  }
}

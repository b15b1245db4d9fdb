import { join } from 'node:path';
import type { Limits } from '../graphql/limits/limits.ts';
import { createServer } from '../graphql/server.ts';
import { HALLULENS } from '../ingest/families/hallulens/index.ts';
import { ingest } from '../ingest/pipeline/ingest.ts';
import type { IngestReport } from '../ingest/report.ts';
import type { LakeReader } from '../lake/engine/types.ts';
import { Lake } from '../lake/lake.ts';
import { dataKey } from '../lake/log/paths.ts';
import { openStore } from '../lake/store/open-store.ts';
import { LakeWriter } from '../lake/writer.ts';

/** What the server's defaults are (src/config.ts). */
const MEMORY = 2e9;
const STAGING_MEMORY = 0.25 * MEMORY;

export async function openLake(directory: string, threads: number): Promise<Lake> {
  return Lake.open({
    store: await openStore(`file:${join(directory, 'store')}`),
    home: join(directory, 'home'),
    cacheBytes: 20e9,
    memory: MEMORY,
    threads,
  });
}

export async function withWriter<T>(
  directory: string,
  threads: number,
  work: (writer: LakeWriter) => Promise<T>,
): Promise<T> {
  const lake = await openLake(directory, threads);
  try {
    const writer = await LakeWriter.open(lake, { memory: STAGING_MEMORY });
    try {
      return await work(writer);
    } finally {
      await writer.close();
    }
  } finally {
    await lake.close();
  }
}

/** Ingests a tree and insists that every run is accepted without a complaint. */
export async function ingestClean(writer: LakeWriter, tree: string): Promise<IngestReport> {
  const report = await ingest(writer, [tree], { families: [HALLULENS] });
  const complaints = report.runs.filter(({ status, issues }) => status !== 'ingested' || issues.length > 0);
  if (complaints.length > 0 || report.runs.length === 0) {
    throw new Error(`unexpected report: ${JSON.stringify(complaints).slice(0, 2000)}`);
  }
  return report;
}

/** Local paths of the live data files of a table, for readers that know nothing of the log. */
export async function dataFiles(lake: Lake, table: string): Promise<string[]> {
  const snapshot = await lake.table(table).snapshot();
  return [...snapshot.files.keys()].map((path) => {
    const local = lake.store.localPath(dataKey(snapshot.root, path));
    if (local === undefined) throw new Error('the bench needs a lake on local disk');
    return local;
  });
}

/** A GraphQL server in this process, asked without a socket, that remembers the SQL it ran. */
export interface GraphqlSession {
  /** The body of the answer. @throws when it has errors */
  readonly ask: (query: string, variables?: Readonly<Record<string, unknown>>) => Promise<string>;
  /** Statements of the last request. */
  readonly statements: () => readonly { readonly sql: string; readonly params: readonly unknown[] }[];
  readonly close: () => Promise<void>;
}

export async function graphqlSession(lake: Lake, limits: Partial<Limits> = {}): Promise<GraphqlSession> {
  let statements: { sql: string; params: readonly unknown[] }[] = [];
  const reader: LakeReader = {
    snapshot: (asOf, options) => lake.snapshot(asOf, options),
    relation: (snapshot, table, prune, options) => lake.relation(snapshot, table, prune, options),
    size: (snapshot, table, prune, options) => lake.size(snapshot, table, prune, options),
    leadingRows: (snapshot, table, prune, request, options) =>
      lake.leadingRows(snapshot, table, prune, request, options),
    query: (sql, options) => {
      statements.push({ sql, params: options?.params ?? [] });
      return lake.query(sql, options);
    },
    sandboxedQuery: (snapshot, sql, options) => lake.sandboxedQuery(snapshot, sql, options),
  };
  // A busy machine must not cut a measurement off.
  const app = await createServer({ reader, config: { limits: { time: 3_600_000, ...limits } } });
  return {
    statements: () => statements,
    async ask(query, variables = {}) {
      statements = [];
      const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
      if (response.statusCode !== 200 || response.body.startsWith('{"errors"'))
        throw new Error(response.body.slice(0, 2000));
      return response.body;
    },
    close: () => app.close(),
  };
}

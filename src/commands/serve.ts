import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CATALOG } from '../../bi/views/views.ts';
import { JobService } from '../../compute/jobs/job-service.ts';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { Exporter } from '../../lake/export/exporter.ts';
import { addressPolicyOf, limitsOf, mayBeAnonymous, openTokens } from '../access.ts';
import type { Config } from '../config.ts';
import { showDemo } from '../demo/demo.ts';
import { openQueue } from '../jobs.ts';
import { openLogger } from '../log.ts';
import { modelsOf } from '../models.ts';
import { openPostgresDoor } from '../postgres-door.ts';
import { probesOf } from '../probes.ts';
import { ingestorOf, publisherOf, upkeepOf } from '../services.ts';
import { openLake, openWriter, storeEnvironment } from '../session.ts';
import { startWorker, type WorkerProcess } from '../worker-process.ts';
import { type CommonOptions, configOf, withCommonOptions } from './shared.ts';

interface ServeOptions extends CommonOptions {
  readonly demo?: boolean;
  /** False with --no-worker. */
  readonly worker: boolean;
  readonly host?: string;
  readonly port?: string;
  readonly pgPort?: string;
  readonly pgTlsCert?: string;
  readonly pgTlsKey?: string;
  readonly memory?: string;
  readonly threads?: string;
}

/** Where `npm run build` puts the explorer; undefined when it has not. */
function builtExplorer(): string | undefined {
  const directory = fileURLToPath(new URL('../../web/', import.meta.url));
  return existsSync(join(directory, 'assets')) ? directory : undefined;
}

export function serveCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Serves the lake at http://HOST:PORT/graphql (the explorer and its console at http://HOST:PORT), /healthz and /readyz, and does the jobs that are\n' +
        'launched there in a process of their own.',
    )
    .option('--host <address>', 'address to bind; only loopback while the lake has no tokens [RUNLAKE_HOST]')
    .option('--port <n>', 'port; 0 takes a free one [RUNLAKE_PORT]')
    .option('--pg-port <n>', 'port of a read-only PostgreSQL server; 0 takes a free one [RUNLAKE_PG_PORT]')
    .option('--pg-tls-cert <file>', 'its certificate, PEM [RUNLAKE_PG_TLS_CERT]')
    .option('--pg-tls-key <file>', 'the key of that, PEM [RUNLAKE_PG_TLS_KEY]')
    .option('--memory <size>', 'memory of the query engine, e.g. 4GB [RUNLAKE_MEMORY]')
    .option('--threads <n>', 'threads of the query engine [RUNLAKE_THREADS]')
    .option('--no-worker', 'leave the jobs to workers that are started elsewhere')
    .option('--demo', 'run the demo model for an empty lake: inference, evaluation, probes, function vectors')
    .action(async (options: ServeOptions) => {
      await serve(configOf(options), { demo: options.demo ?? false, worker: options.worker });
    });
}

/** Serves until SIGINT or SIGTERM; resolves when everything is closed. */
async function serve(
  config: Config,
  { demo, worker }: Pick<Required<ServeOptions>, 'demo' | 'worker'>,
): Promise<void> {
  const logger = openLogger(config.log, process.stdout);
  const tokens = await openTokens(config, logger);
  const lake = await openLake(config);
  const writer = await openWriter(lake, config);
  const env = storeEnvironment(config);
  const queue = await openQueue(config);
  // Only here: loading GraphQL takes longer than everything else that a command needs.
  const { createServer } = await import('../../graphql/server.ts');
  const { Metrics } = await import('../../graphql/observability/metrics.ts');
  const { ConcurrencyGate } = await import('../../graphql/limits/concurrency.ts');
  const jobs = new JobService(queue, lake.store, TASKS);
  const limits = limitsOf(config);
  const gate = new ConcurrencyGate(limits.concurrentQueries);
  const { WorkMetrics, workText } = await import('../metrics/work-metrics.ts');
  const work = new WorkMetrics('server', () => lake.cacheCounts);
  let helper: WorkerProcess | undefined;
  const metrics = new Metrics({
    process: true,
    more: async () => workText([await work.counts(), (await helper?.counts()) ?? []]),
  });
  const app = await createServer({
    reader: lake,
    metrics,
    gate,
    authenticator: tokens,
    addresses: addressPolicyOf(config),
    config: { limits },
    ingestor: ingestorOf(writer, env, work.ingested.bind(work)),
    upkeep: upkeepOf(writer),
    publisher: publisherOf(writer, env),
    models: modelsOf(lake),
    probes: probesOf(env),
    catalog: CATALOG,
    exporter: new Exporter(lake),
    jobs,
    explorer: builtExplorer(),
    logger,
  });
  const url = `${await app.listen({ host: config.host, port: config.port })}/graphql`;
  const door = await openPostgresDoor(config, { lake, tokens, logger, gate, metrics });
  if (worker) helper = startWorker(config, logger);
  logger.info({ store: config.store, url }, 'ready');
  const closing = new AbortController();
  const needsToken = async () => !(await mayBeAnonymous(tokens));
  const { signal } = closing;
  const shown = demo ? showDemo({ jobs, lake, url, needsToken, logger, signal }) : undefined;
  await new Promise<void>((done, fail) => {
    let asked = false;
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        if (asked) process.exit(130);
        asked = true;
        logger.info({ signal: name }, 'closing: running queries may finish');
        closing.abort();
        Promise.all([app.close(), door?.close(), helper?.stop(), shown]).then(() => done(), fail);
      });
    }
  });
  await queue.close();
  await writer.close();
  await lake.close();
  logger.info('closed');
}

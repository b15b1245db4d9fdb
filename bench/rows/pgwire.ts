import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../test/support/free-port.ts';
import { writeContractRun } from '../data/contract-run.ts';
import { ingestClean, withWriter } from '../lakes.ts';
import { interleave, type Spread, spread } from '../measure.ts';
import { cpuSecondsOf } from '../processes.ts';
import { dataset, ROOT } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';
import { WireClient } from '../wire-client.ts';

interface Question {
  readonly what: string;
  readonly sql: string;
  readonly format: 'text' | 'binary';
}

/** A server that answers on a port, by a user and database. */
interface Target {
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

function questions(rows: number): readonly Question[] {
  const numbers = 'score_halu, threshold, label_halu, seed, source_line';
  const examples = `SELECT * FROM generations LIMIT ${rows / 2}`;
  return [
    {
      what: `${rows} predictions, all columns, text`,
      sql: `SELECT * FROM predictions LIMIT ${rows}`,
      format: 'text',
    },
    {
      what: `${rows} predictions, five numbers, text`,
      sql: `SELECT ${numbers} FROM predictions LIMIT ${rows}`,
      format: 'text',
    },
    { what: `${rows / 2} generations, all columns, text`, sql: examples, format: 'text' },
    { what: `${rows / 2} generations, all columns, binary`, sql: examples, format: 'binary' },
  ];
}

/** `runlake serve` in a process of its own, until it answers. */
async function serve(
  directory: string,
  threads: number,
): Promise<{ target: Target; pid: number; stop: () => Promise<void> }> {
  const port = await freePort();
  const flags = [
    '--store',
    `file:${join(directory, 'store')}`,
    '--home',
    join(directory, 'home'),
    '--no-worker',
  ];
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'dist/src/cli.js'),
      'serve',
      ...flags,
      '--port',
      '0',
      '--pg-port',
      String(port),
      '--threads',
      String(threads),
    ],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  const target = { port, user: 'bench', database: 'runlake' };
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  for (const started = Date.now(); ; ) {
    const attempt = await pgClient(target).catch(() => undefined);
    if (attempt !== undefined) {
      await attempt.end();
      return { target, pid: child.pid ?? 0, stop };
    }
    if (child.exitCode !== null || Date.now() - started > 60_000) {
      await stop();
      throw new Error('runlake serve did not come up');
    }
  }
}

async function pgClient({ port, user, database }: Target): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user, database });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The same tables with the same rows on both sides. */
async function copyTable(from: Target, to: Target, table: string): Promise<void> {
  const [source, sink] = [await pgClient(from), await pgClient(to)];
  try {
    const { rows } = await source.query<{ name: string; type: string }>(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
       WHERE attrelid = '${table}'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    await sink.query(
      `CREATE TABLE ${table} (${rows.map(({ name, type }) => `"${name}" ${type}`).join(', ')})`,
    );
    const psql = ({ port, user, database }: Target, sql: string) =>
      `psql -X -q -h 127.0.0.1 -p ${port} -U ${user} -d ${database} -c "${sql}"`;
    const pipe = `${psql(from, `COPY ${table} TO STDOUT`)} | ${psql(to, `COPY ${table} FROM STDIN`)}`;
    await promisify(execFile)('bash', ['-o', 'pipefail', '-c', pipe]);
    await sink.query(`VACUUM ANALYZE ${table}`);
  } finally {
    await source.end();
    await sink.end();
  }
}

/** Wall and CPU seconds of the server for one answer. */
class Server {
  readonly cpu: number[] = [];
  readonly #client: WireClient;
  readonly #pid: number;
  bytes = 0;

  constructor(client: WireClient, pid: number) {
    this.#client = client;
    this.#pid = pid;
  }

  async answer({ sql, format }: Question): Promise<number> {
    const [started, cpu] = [performance.now(), await cpuSecondsOf(this.#pid)];
    this.bytes = await this.#client.drain(sql, format);
    const took = (performance.now() - started) / 1000;
    this.cpu.push((await cpuSecondsOf(this.#pid)) - cpu);
    return took;
  }

  /** CPU seconds of the last measurements. */
  cpuOf(repetitions: number): Spread {
    return spread(this.cpu.slice(-repetitions));
  }

  close(): void {
    this.#client.close();
  }
}

export const pgwire: Bench = {
  name: 'pgwire',
  doc: 'rows through the PostgreSQL door, against PostgreSQL with the same rows in its memory',
  async run({ quick, scratch, threads, repetitions, log }) {
    const rows = quick ? 20_000 : 200_000;
    const tree = await dataset(scratch, `text-${rows}`, (directory) =>
      writeContractRun(directory, rows, false),
    );
    const directory = await dataset(scratch, `export-lake-${rows}`, async (unfinished) => {
      await withWriter(unfinished, threads, (writer) => ingestClean(writer, tree));
    });
    // Loaded by this row only: it says what it misses as soon as it is loaded.
    const { postgresMissing, startPostgres } = await import('../../test/support/postgres.ts');
    if (postgresMissing !== undefined)
      log(`notice: no ${postgresMissing}, so there is nothing to compare with`);
    const door = await serve(directory, threads);
    const reference = postgresMissing === undefined ? await startPostgres() : undefined;
    const outcomes: Outcome[] = [];
    let ours: Server | undefined;
    let theirs: Server | undefined;
    try {
      const { client } = await WireClient.connect(door.target.port, door.target.user, door.target.database);
      ours = new Server(client, door.pid);
      if (reference !== undefined) {
        const { port, username, pathname } = new URL(await reference.database());
        const target = { port: Number(port), user: username, database: pathname.slice(1) };
        for (const table of ['predictions', 'generations']) await copyTable(door.target, target, table);
        const opened = await WireClient.connect(target.port, target.user, target.database);
        theirs = new Server(opened.client, opened.processId);
      }
      for (const question of questions(rows))
        outcomes.push(await compare(question, ours, theirs, repetitions));
      return outcomes;
    } finally {
      ours?.close();
      theirs?.close();
      await door.stop();
      await reference?.stop();
    }
  },
};

async function compare(
  question: Question,
  ours: Server,
  theirs: Server | undefined,
  repetitions: number,
): Promise<Outcome> {
  const run = { ours: () => ours.answer(question) };
  if (theirs === undefined) {
    const { ours: took } = await interleave(run, { repetitions });
    return { what: question.what, unit: 's', ours: took, value: took.median, note: cost(ours, repetitions) };
  }
  const took = await interleave({ ...run, theirs: () => theirs.answer(question) }, { repetitions });
  // A LIMIT leaves open which rows it takes.
  if (Math.abs(ours.bytes / theirs.bytes - 1) > 0.01)
    throw new Error(`${ours.bytes} bytes against ${theirs.bytes}`);
  return {
    what: question.what,
    unit: 's',
    ours: took.ours,
    reference: took.theirs,
    against: 'PostgreSQL',
    value: took.theirs.median / took.ours.median,
    note: `its speed; ${cost(ours, repetitions)} against ${cost(theirs, repetitions)}`,
  };
}

function cost(server: Server, repetitions: number): string {
  return `${(server.bytes / 1e6).toFixed(0)} MB, ${server.cpuOf(repetitions).median.toFixed(2)} CPU seconds`;
}

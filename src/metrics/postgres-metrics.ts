import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What the PostgreSQL door counts. */
export class PostgresMetrics {
  readonly #open: Gauge;
  readonly #sessions: Counter;
  readonly #running: Gauge;
  readonly #statements: Histogram<'outcome'>;
  readonly #errors: Counter<'sqlstate'>;
  readonly #sent: Counter;

  constructor(registry: Registry) {
    const own = { registers: [registry] };
    this.#open = new Gauge({
      ...own,
      name: 'runlake_postgres_sessions',
      help: 'Open sessions of the PostgreSQL door.',
    });
    this.#sessions = new Counter({
      ...own,
      name: 'runlake_postgres_sessions_total',
      help: 'Sessions of the PostgreSQL door that were begun.',
    });
    this.#running = new Gauge({
      ...own,
      name: 'runlake_postgres_open_statements',
      help: 'Statements of the PostgreSQL door that are under way, portals and cursors that wait for their client included.',
    });
    this.#statements = new Histogram({
      ...own,
      name: 'runlake_postgres_statement_seconds',
      help: 'Time of statements of the PostgreSQL door, with that of their clients, by `ok` or SQLSTATE.',
      labelNames: ['outcome'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    });
    this.#errors = new Counter({
      ...own,
      name: 'runlake_postgres_errors_total',
      help: 'Errors that clients of the PostgreSQL door got, by SQLSTATE.',
      labelNames: ['sqlstate'],
    });
    this.#sent = new Counter({
      ...own,
      name: 'runlake_postgres_sent_bytes_total',
      help: 'Bytes that sessions of the PostgreSQL door were sent.',
    });
  }

  opened(): void {
    this.#open.inc();
    this.#sessions.inc();
  }

  closed(): void {
    this.#open.dec();
  }

  began(): void {
    this.#running.inc();
  }

  ended(outcome: string, seconds: number): void {
    this.#running.dec();
    this.#statements.observe({ outcome }, seconds);
  }

  failed(sqlstate: string): void {
    this.#errors.inc({ sqlstate });
  }

  sent(bytes: number): void {
    this.#sent.inc(bytes);
  }
}

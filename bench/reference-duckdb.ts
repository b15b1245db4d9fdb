import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** A plain DuckDB in this process: the reference for queries. */
export class ReferenceDuckdb {
  readonly #instance: DuckDBInstance;
  readonly connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.connection = connection;
  }

  static async open(threads: number): Promise<ReferenceDuckdb> {
    const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) });
    const connection = await instance.connect();
    // The same settings that the lake's engine uses for immutable files.
    await connection.run(`SET parquet_metadata_cache = true`);
    await connection.run(`SET validate_external_file_cache = 'NO_VALIDATION'`);
    return new ReferenceDuckdb(instance, connection);
  }

  /** Rows of a statement as the text of a JSON array, the way the API's own conversion makes it. */
  async json(sql: string, params: readonly (string | number | bigint)[] = []): Promise<string> {
    const reader = await this.connection.runAndReadAll(sql, [...params]);
    return JSON.stringify(reader.getRowObjectsJson());
  }

  close(): void {
    this.connection.closeSync();
    this.#instance.closeSync();
  }
}

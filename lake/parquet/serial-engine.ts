import { DuckDBInstance } from '@duckdb/node-api';

/**
 * A DuckDB whose statements each run on the one thread that asked for them. For COPY from a source that JavaScript
 * feeds: with more threads the asking one polls for work while another waits for the next chunk, and on two cores
 * that polling takes a quarter of the time away from decoding. Run two statements to use two cores.
 */
export function openSerialEngine(): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
}

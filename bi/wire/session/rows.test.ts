import { BIGINT, DuckDBDataChunk } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { ChunkStream } from '../../../lake/engine/types.ts';
import { Output } from '../protocol/output.ts';
import { codecOf } from '../types/codecs.ts';
import { chunkSource, RowCursor, type RowForm } from './rows.ts';

const ROWS = 3;

/** `chunks` chunks of some rows each, after which nothing comes or an error does; it counts how many were asked for. */
function numbered(chunks: number, error?: Error) {
  const state = { asked: 0, closed: false };
  const stream: ChunkStream = {
    columns: [{ name: 'i', type: BIGINT }],
    async next() {
      const first = state.asked++ * ROWS;
      await null;
      if (state.closed) throw new Error('closed');
      if (first < chunks * ROWS) {
        const chunk = DuckDBDataChunk.create([BIGINT], ROWS);
        chunk.setColumnValues(
          0,
          Array.from({ length: ROWS }, (_, row) => BigInt(first + row)),
        );
        return chunk;
      }
      if (error !== undefined) throw error;
      return undefined;
    },
    async close() {
      state.closed = true;
    },
    [Symbol.asyncIterator]: () => {
      throw new TypeError('its chunks are asked for one by one');
    },
  };
  return { state, cursor: new RowCursor(chunkSource(stream, [{ name: 'i', codec: codecOf(BIGINT) }])) };
}

const lines: (out: Output) => RowForm = (out) => (batch) => {
  const cell = batch.cell(0, 0);
  return (row) => {
    cell(row, out);
    out.text(' ');
  };
};

describe('a cursor', () => {
  it('fetches one batch while the one before it is written, whatever is left of it to be sent', async () => {
    const { state, cursor } = numbered(4);
    const out = new Output();
    const asked: number[] = [];
    const form: RowForm = (batch) => {
      const write = lines(out)(batch);
      return (row) => {
        write(row);
        // Longer than what is sent at once.
        out.reserve(1 << 16);
      };
    };
    const flush = async () => {
      out.take();
      // A client that does not read for long.
      for (let i = 0; i < 20; i++) await null;
      asked.push(state.asked);
    };
    expect(await cursor.write(0, form, out, flush)).toEqual({ rows: 12, ended: true });
    expect(asked).toEqual([2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]);
  });

  it('fetches nothing that was not asked for', async () => {
    const { state, cursor } = numbered(4);
    const out = new Output();
    const write = async (limit: number) => cursor.write(limit, lines(out), out, async () => undefined);
    const steps: unknown[] = [];
    for (const limit of [2, 1, 3, 4, 100]) steps.push([await write(limit), state.asked]);
    expect(steps).toEqual([
      [{ rows: 2, ended: false }, 1],
      [{ rows: 1, ended: false }, 1],
      [{ rows: 3, ended: false }, 2],
      [{ rows: 4, ended: false }, 4],
      [{ rows: 2, ended: true }, 5],
    ]);
    expect(out.take().toString()).toBe('0 1 2 3 4 5 6 7 8 9 10 11 ');
  });

  it('gives the rows before an error, and then the error', async () => {
    const { cursor } = numbered(2, new Error('division by zero'));
    const out = new Output();
    const written = cursor.write(0, lines(out), out, async () => undefined);
    await expect(written).rejects.toThrow('division by zero');
    expect(out.take().toString()).toBe('0 1 2 3 4 5 ');
  });

  it('leaves a batch that is on its way to nobody when a row cannot be written', async () => {
    const { state, cursor } = numbered(4);
    const out = new Output();
    const form: RowForm = () => (row) => {
      if (row === 1) throw new Error('a row is too long');
      out.text('row ');
    };
    await expect(cursor.write(0, form, out, async () => undefined)).rejects.toThrow('too long');
    await cursor.close();
    expect([state.asked, state.closed, out.take().toString()]).toEqual([2, true, 'row ']);
    // Its error reaches nobody, either.
    for (let i = 0; i < 20; i++) await null;
  });
});

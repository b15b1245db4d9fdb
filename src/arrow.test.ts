import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pythonHas, pythonJson } from '../test/support/python.ts';
import { arrowFile } from './arrow.ts';

it.skipIf(!pythonHas('pyarrow'))(
  'writes Arrow files that pyarrow reads with the same types and values',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'runlake-arrow-'));
    const path = join(directory, 'a.arrow');
    const columns = [
      ['b', 'BIGINT'],
      ['d', 'DOUBLE'],
      ['t', 'TIMESTAMP WITH TIME ZONE'],
      ['day', 'DATE'],
      ['f', 'FLOAT[]'],
      ['s', 'VARCHAR[]'],
      ['i', 'INTERVAL'],
      ['ok', 'BOOLEAN'],
      ['text', 'VARCHAR'],
    ].map(([name, type]) => ({ name: name!, type: type! }));
    const rows = [
      [
        2n ** 62n,
        Number.NaN,
        1_795_208_253_000_926n,
        '2026-01-20',
        Float32Array.of(1.5),
        ['x', null],
        '1 day',
        true,
        'é',
      ],
      columns.map(() => null),
    ];
    writeFileSync(path, arrowFile({ columns, rows, truncated: false }));
    const script = `
import sys, json, pyarrow as pa
t = pa.ipc.open_file(sys.argv[1]).read_all()
print(json.dumps([[str(f.type) for f in t.schema], [[repr(v) for v in r.values()] for r in t.to_pylist()]]))`;
    expect(pythonJson(script, [path])).toEqual([
      [
        'int64',
        'double',
        'timestamp[us, tz=UTC]',
        'date32[day]',
        'list<item: float>',
        'list<item: string>',
        'string',
        'bool',
        'string',
      ],
      [
        [
          '4611686018427387904',
          'nan',
          "datetime.datetime(2026, 11, 20, 20, 57, 33, 926, tzinfo=zoneinfo.ZoneInfo(key='UTC'))",
          'datetime.date(2026, 1, 20)',
          '[1.5]',
          "['x', None]",
          "'1 day'",
          'True',
          "'é'",
        ],
        columns.map(() => 'None'),
      ],
    ]);
    rmSync(directory, { recursive: true });
  },
);

import { test } from 'vitest';
import { decodeChunk } from '../../lake/engine/decode.ts';
import { CATALOG } from '../views/views.ts';
import { Catalog } from './catalog.ts';

test('x', async () => {
  const t = performance.now();
  const c = await Catalog.open(CATALOG, '/tmp/x-catalog');
  console.log('open', performance.now() - t);
  for (const q of [
    "select relname, relkind, format_type(a.atttypid, a.atttypmod), attname from pg_class c join pg_attribute a on a.attrelid = c.oid where relname = 'runs' limit 3",
    "select * from information_schema_columns where table_name = 'runs' limit 1",
    'select * from pg_views limit 1',
    "select regclass_name(1259), has_table_privilege(1,'SELECT')",
    "select obj_description(c.oid, 'pg_class') from pg_class c where relname='runs'",
  ]) {
    try {
      const s = await c.stream(q);
      for await (const ch of s)
        console.log(
          JSON.stringify(
            decodeChunk(
              ch,
              s.columns.map((x) => x.type),
            ),
          ),
        );
    } catch (e) {
      console.log('ERR', q, e);
    }
  }
  console.log(await c.describe('select * from runs where seed = $1 and $2 = 1'));
  c.close();
});

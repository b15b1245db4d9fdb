import { randomUUID } from 'node:crypto';
import { openStore } from '../store/open-store.ts';
import type { AddFile } from './actions.ts';
import { dataKey } from './paths.ts';
import { DeltaTable } from './table.ts';

/*
 * A process that commits `count` times to one table, each time exactly once however often it is killed and started again:
 * node committer.mjs <store uri> <root> <name> <count>
 */
const [uri = '', root = '', name = '', count = '0'] = process.argv.slice(2);
const store = await openStore(uri);
const table = DeltaTable.open(store, root, {
  onWarning: (error) => process.stderr.write(`${String(error)}\n`),
});

for (let i = 0; i < Number(count); i++) {
  const path = `${name}-${i}-${randomUUID()}.parquet`;
  await store.put(dataKey(root, path), new TextEncoder().encode(path));
  const add: AddFile = {
    path,
    partitionValues: {},
    size: path.length,
    modificationTime: Date.now(),
    dataChange: true,
    stats: '{"numRecords":1}',
  };
  const txn = { appId: name, version: i };
  const { committed } = await table.commit({ name: 'WRITE' }, () => ({ add: [add] }), { txn });
  process.stdout.write(`${i} ${committed}\n`);
}

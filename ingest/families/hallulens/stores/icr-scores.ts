import type { ReadContext } from '../../../family.ts';
import { storeSource } from '../../../formats/bytes/byte-source.ts';
import { FormatError } from '../../../formats/errors.ts';
import { readNpy } from '../../../formats/npy/npy.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { joinKey } from './locate.ts';

const FILE = 'icr_scores.npy';
const MAX_BYTES = 1 << 30;

/**
 * The ICR scores of a capture: one row a sample, one column a block, rows in the order of the sample indices. Only
 * the samples of the last process are in the file, so after a resume nobody can tell whose a row is.
 */
export async function readIcrScores(
  root: string,
  context: ReadContext,
  samples: number,
  log: IssueLog,
): Promise<number[][] | undefined> {
  const options = context.signal === undefined ? {} : { signal: context.signal };
  const object = await context.tree.store.head(joinKey(root, FILE), options);
  if (object === undefined) return undefined;
  const complain = (message: string): undefined =>
    void log.warn({ code: 'ICR_SCORES_UNUSABLE', file: FILE, message });
  if (object.size > MAX_BYTES) return complain(`${object.size} bytes; at most ${MAX_BYTES} are read`);
  const source = storeSource(context.tree.store, object.key, object.size);
  try {
    const scores = await readNpy(source, context.signal);
    const [rows = 0, columns = 0] = scores.shape;
    if (scores.shape.length !== 2 || rows !== samples) {
      return complain(`scores of shape (${scores.shape.join(', ')}) for ${samples} written samples`);
    }
    const values = scores.toNumbers();
    return Array.from({ length: rows }, (_, row) => values.slice(row * columns, (row + 1) * columns));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return complain(error.message);
  } finally {
    await source.close();
  }
}

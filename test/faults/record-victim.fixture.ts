/** Records the ended jobs of a directory's queue, `[directory]`. Files are merged early, so that kills fall into that too. */
import { join } from 'node:path';
import { EmbeddedQueue } from '../../compute/jobs/embedded-queue.ts';
import { recordJobs } from '../../compute/jobs/recorder.ts';
import { lakeIn } from '../support/temporary-lake.ts';
import { assignment } from '../support/victim.ts';

const [directory = ''] = await assignment();
const { writer, close } = await lakeIn(directory);
const queue = new EmbeddedQueue(join(directory, 'queue'));
await recordJobs(queue, writer, { batch: 2, manyFiles: 2 });
await queue.close();
await close();

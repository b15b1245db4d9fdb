import { parentPort } from 'node:worker_threads';
import { encodeVectorFile, type VectorFileJob } from './vector-file.ts';

/*
 * What the thread of a `VectorEncoder` runs: a file a message.
 */

parentPort?.on('message', (job: VectorFileJob) => {
  try {
    parentPort?.postMessage({ file: encodeVectorFile(job) });
  } catch (error) {
    parentPort?.postMessage({ error });
  }
});

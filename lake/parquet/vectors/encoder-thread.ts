import { parentPort } from 'node:worker_threads';
import { encodeVectorFile, type VectorFileJob } from './vector-file.ts';

/*
 * What a thread of `VectorEncoder` runs: a file a message.
 */

parentPort?.on('message', (job: VectorFileJob) => {
  try {
    parentPort?.postMessage({ file: encodeVectorFile(job) });
  } catch (error) {
    parentPort?.postMessage({ error });
  }
});

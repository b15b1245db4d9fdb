/** Ingests runs into the lake of a directory: `[directory, runs]`. */
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { lakeIn } from '../support/temporary-lake.ts';
import { assignments } from '../support/victim.ts';

await assignments(async ([directory = '', runs = '']) => {
  const { writer, close } = await lakeIn(directory);
  // A file of vectors for every two entries.
  const report = await ingest(writer, [runs], { families: [HALLULENS], fileBytes: 300 });
  await close();
  if (report.runs.some(({ status }) => status === 'rejected')) throw new Error(JSON.stringify(report));
});

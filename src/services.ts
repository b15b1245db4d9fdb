import { publishRun } from '../compute/tasks/chaos/publish/publish.ts';
import type { Ingestor, Publisher, Upkeep } from '../graphql/context.ts';
import { FAMILIES } from '../ingest/families/families.ts';
import { type IngestOptions, ingest } from '../ingest/pipeline/ingest.ts';
import { validate } from '../ingest/pipeline/validate.ts';
import type { LakeWriter } from '../lake/writer.ts';
import { compactTables, vacuumTables } from './upkeep.ts';

/** What the `ingest` mutation does. */
export function ingestorOf(
  writer: LakeWriter,
  env: NodeJS.ProcessEnv,
  onRun?: IngestOptions['onRun'],
): Ingestor {
  return {
    async ingest({ uri, within, namespace, lenient, dryRun }, { signal }) {
      const options = { families: FAMILIES, namespace, lenient, env, signal, within };
      return dryRun ? validate([uri], options) : ingest(writer, [uri], { ...options, onRun });
    },
  };
}

/** What the `compact` and `vacuum` mutations do. */
export function upkeepOf(writer: LakeWriter): Upkeep {
  return {
    compact: (table, { signal }) => compactTables(writer.lake, table, { signal }),
    vacuum: (request, { signal }) => vacuumTables(writer.lake, request, { signal }),
  };
}

/** What the `publishRun` mutation does. */
export function publisherOf({ lake }: LakeWriter, env: NodeJS.ProcessEnv): Publisher {
  return {
    publish: (request, { signal }) =>
      publishRun(request, { lake: { reader: lake, home: lake.home }, env, now: new Date(), signal }),
  };
}

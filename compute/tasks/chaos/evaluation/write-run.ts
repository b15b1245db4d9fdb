import { metricsSchema } from '../../../../ingest/contracts/chaosbench/metrics.ts';
import {
  CHECKPOINT_FILE,
  MANIFEST_FILE,
  METRICS_FILE,
  PREDICTIONS_FILE,
  SUMMARY_FILE,
} from '../../../../ingest/families/chaosbench/files.ts';
import { metricsDocument, RunTallier } from '../../../../ingest/families/chaosbench/metrics/index.ts';
import type { ObjectStore } from '../../../../lake/store/object-store.ts';
import { type Asked, type Asking, recordsOf } from './ask.ts';
import { type Beginning, providerOf } from './beginning.ts';
import { manifestText, metricsText, summaryText } from './documents.ts';
import { recordLine } from './record.ts';

/** A run whose items are answered. */
export interface FinishedRun {
  readonly begun: Beginning;
  readonly asked: Asked;
  readonly asking: Asking;
  readonly resumedFrom: string | null;
}

/** Writes the files of a run; the manifest, which says that it is complete, comes last. */
export async function writeRun(
  root: string,
  { begun, asked, asking, resumedFrom }: FinishedRun,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<{ items: number; valid: number; correct: number }> {
  const { spec, workers } = asking;
  const tallier = new RunTallier();
  const lines: string[] = [];
  for (const record of recordsOf(asked, asking)) {
    tallier.add(record);
    lines.push(recordLine(record));
  }
  const metrics = metricsSchema.parse(metricsDocument(tallier));
  const { dataset, prompt, selection } = begun;
  const provider = providerOf(spec);
  const manifest = manifestText(
    {
      run_id: begun.run_id,
      created_utc: new Date().toISOString().replace('Z', '000+00:00'),
      provider,
      prompt_version: prompt.version,
      prompt_hash: prompt.hash,
      dataset_global_sha256: dataset.sha256,
      canonical_selector: dataset.selector,
      total_items_evaluated: lines.length,
      max_items: selection.max_items,
      seed: selection.seed,
      retries: spec.retries,
      strict_parsing: spec.parsing === 'strict',
      workers,
      order_mode: selection.shuffle_seed === null ? 'canonical' : 'shuffled',
      shuffle_seed: selection.shuffle_seed,
      git_commit: begun.git_commit,
      // There is no Python here.
      python_version: `none (node ${process.versions.node})`,
      resumed_from: resumedFrom,
    },
    metrics,
  );
  const files: Readonly<Record<string, string>> = {
    [PREDICTIONS_FILE]: lines.join(''),
    [METRICS_FILE]: metricsText(metrics),
    [SUMMARY_FILE]: summaryText(begun.run_id, provider, metrics),
    [MANIFEST_FILE]: manifest,
  };
  await store.delete([`${root}/${CHECKPOINT_FILE}`], { signal });
  for (const [name, text] of Object.entries(files))
    await store.put(`${root}/${name}`, Buffer.from(text), { signal });
  const { total, valid, correct } = tallier.overall;
  return { items: total, valid, correct };
}

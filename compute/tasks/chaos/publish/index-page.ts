import { isJsonObject, type JsonObject, type JsonValue } from '../../../../ingest/contracts/json-value.ts';
import { MANIFEST_FILE, METRICS_FILE, RECEIPT_FILE } from '../../../../ingest/families/chaosbench/files.ts';
import type { CallOptions } from '../../../../lake/store/object-store.ts';
import { fixed } from '../fixed.ts';
import { grouped, markdownCell, markdownCode, markdownTable } from '../markdown.ts';
import { documentOf } from './document.ts';
import type { PublishedTree } from './published-tree.ts';

/** How every index begins, those of the original tool included. */
const TITLE = '# Published Runs';

/** Runs whose files are read at the same time. */
const READ_AT_ONCE = 16;

const NONE = '—';

/** Whether a text is an index that may be overwritten. */
export function isIndexPage(text: string): boolean {
  return text.startsWith(TITLE);
}

interface Entry {
  readonly name: string;
  readonly manifest: JsonObject;
  readonly metrics: JsonObject;
  readonly verdict: string | undefined;
}

/** The page that lists every run of the tree, in the order of their names. */
export async function renderIndex(tree: PublishedTree, options: CallOptions = {}): Promise<string> {
  const names = await tree.names(options);
  const entries: Entry[] = [];
  for (let i = 0; i < names.length; i += READ_AT_ONCE) {
    const batch = names.slice(i, i + READ_AT_ONCE);
    entries.push(...(await Promise.all(batch.map((name) => readEntry(tree, name, options)))));
  }
  const header = ['Run ID', 'Provider', 'N', 'Acc_valid', 'Bal_acc', 'MCC', 'Date', 'Verdict'];
  return [
    `${TITLE} — ChaosBench-Logic v2\n`,
    'Auto-generated index. Edit via `runlake publish`.\n',
    markdownTable(header, entries.map(rowOf)),
    `${verdictCounts(entries)}\n`,
    '## Artifact Contents\n',
    'Each run directory contains:',
    '- `run_manifest.json` — run metadata, dataset SHA256, config',
    '- `metrics.json` — aggregate metrics (coverage, accuracy, MCC, per-family)',
    '- `summary.md` — markdown summary table',
    '- `publish_receipt.json` — publish provenance: verdict, failed criteria, hash of every artifact',
    '- `predictions_subset.jsonl.gz` — compressed predictions (subset runs only, on request)',
    '',
  ].join('\n');
}

async function readEntry(tree: PublishedTree, name: string, options: CallOptions): Promise<Entry> {
  // An unreadable document counts as empty: its run stays in the index, with dashes.
  const read = async (file: string) => documentOf(await tree.read(name, file, options));
  const manifest = await read(MANIFEST_FILE);
  const summary = manifest['metrics_summary'];
  const metrics =
    isJsonObject(summary) && Object.keys(summary).length > 0 ? summary : await read(METRICS_FILE);
  const verdict = (await read(RECEIPT_FILE))['verdict'];
  return { name, manifest, metrics, verdict: typeof verdict === 'string' ? verdict : undefined };
}

function rowOf({ name, manifest, metrics, verdict }: Entry): string[] {
  const { provider, total_items_evaluated: total, created_utc: created } = manifest;
  const score = (value: JsonValue | undefined) => (typeof value === 'number' ? fixed(value, 4) : NONE);
  return [
    markdownCode(name),
    typeof provider === 'string' ? markdownCell(provider) : NONE,
    typeof total === 'number' || typeof total === 'bigint' ? grouped(Number(total)) : NONE,
    score(metrics['accuracy_valid']),
    score(metrics['balanced_accuracy']),
    score(metrics['mcc']),
    typeof created === 'string' ? markdownCell(created.slice(0, 10)) : NONE,
    verdict === undefined ? NONE : markdownCell(verdict),
  ];
}

function verdictCounts(entries: readonly Entry[]): string {
  const counts = new Map<string, number>();
  for (const { verdict = 'no recorded verdict' } of entries)
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const parts = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([verdict, n]) => `${n} ${markdownCell(verdict)}`);
  return `${entries.length} ${entries.length === 1 ? 'run' : 'runs'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}.`;
}

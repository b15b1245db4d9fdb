import type { ControlVariate, ControlVariateSummary } from '../../../contracts/entropy/control-variate.ts';
import type { JsonObject, JsonValue } from '../../../contracts/json-value.ts';
import { parseFloatPython } from '../../../formats/csv/numbers.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { readCsv } from '../../../run-files/table.ts';
import { entryOf, forgiving, type RunSource, readCompanion } from '../companions.ts';
import { memberAt, without } from '../members.ts';
import { readSequenceTable, type SequenceTable } from './sequence-table.ts';

/** What a control-variate run wrote beside its result file. */
export interface ControlVariateFiles {
  readonly sequences: SequenceTable | undefined;
  /** When the analysis was made, as `cv_summary.json` says. */
  readonly timestamp: string | undefined;
  /** The run's row in the aggregate of its group. */
  readonly aggregate: JsonObject | undefined;
  /** What the aggregate says about the group. */
  readonly group: JsonObject | undefined;
}

/** Reads the analysis of a run and its row in the aggregate of the group, and compares them with the results. */
export async function readControlVariateFiles(
  source: RunSource,
  { document, parsed, run }: { document: JsonObject; parsed: ControlVariate; run: string },
): Promise<ControlVariateFiles> {
  const directory = analysisDirectory(source, parsed);
  const soft = forgiving(source);
  const file = `${directory}/cv_per_seq.csv`;
  const object = source.files.get(file);
  if (object === undefined) {
    const message = 'the table of sequences is not beside the results; only their summary is read';
    source.log.warn({ code: 'MISSING_FILE', file, message });
  }
  const summary = await readCompanion(source, `${directory}/cv_summary.json`, readJsonDocument);
  if (summary !== undefined) compareSummary(summary, document, `${directory}/cv_summary.json`, source);
  await compareFeatures(`${directory}/cv_feature_stats.csv`, parsed.summary, soft);
  const timestamp = summary?.['timestamp'];
  return {
    sequences: object === undefined ? undefined : await readSequenceTable(source, object, file),
    timestamp: typeof timestamp === 'string' ? timestamp : undefined,
    ...(await readAggregate(soft, run)),
  };
}

/** Where the analysis lies: the results name it by the path it had when it was made. */
function analysisDirectory({ files }: RunSource, { paths }: ControlVariate): string {
  const named = paths['csv_path']?.split('/').at(-2);
  if (named !== undefined && files.has(`${named}/cv_per_seq.csv`)) return named;
  const there = [...files.keys()].find((file) => /^[^/.]+\/cv_per_seq\.csv$/.test(file));
  return there?.split('/')[0] ?? named ?? 'cv';
}

/** `cv_summary.json` repeats the summary and adds a time. */
function compareSummary(found: JsonObject, document: JsonObject, file: string, { log }: RunSource): void {
  const { timestamp: _, ...rest } = found;
  for (const [key, value] of Object.entries(rest)) {
    const expected = memberAt(document, ['summary', key]);
    if (expected !== undefined && jsonText(value) === jsonText(expected)) continue;
    const message = `${key} is not what the results have under summary`;
    log.warn({ code: 'COMPANION_DISAGREES', file, pointer: `/${key}`, message });
  }
}

/** `cv_feature_stats.csv` repeats the numbers a feature. */
async function compareFeatures(
  file: string,
  { ols_beta, diagnostics: { all_features_stats: all } }: ControlVariateSummary,
  { files, context, log }: RunSource,
): Promise<void> {
  const object = files.get(file);
  if (object === undefined) return;
  const expected: Readonly<Record<string, Readonly<Record<string, number | bigint>>>> = {
    corr: all.corr,
    var_ratio_single: all.var_ratio_single,
    se_after_single: all.se_after_single,
    beta_joint: ols_beta,
  };
  for await (const { header, records } of readCsv(context, object, file, log)) {
    const featureAt = header.indexOf('feature');
    for (const { line, fields } of records) {
      const feature = fields[featureAt] ?? '';
      header.forEach((name, c) => {
        const value = expected[name]?.[feature];
        // A feature outside the joint regression has no coefficient.
        if (expected[name] === undefined || (value === undefined && fields[c] === '')) return;
        if (Object.is(parseFloatPython(fields[c]!), Number(value))) return;
        const message = `${fields[c]} for ${feature}; the results have ${value ?? 'none'}`;
        log.warn({ code: 'COMPANION_DISAGREES', file, line, pointer: `/${name}`, message });
      });
    }
  }
}

/** The row of the run in `cv_runs_aggregate.json`, else in the CSV of the same name. */
async function readAggregate(
  source: RunSource,
  run: string,
): Promise<Pick<ControlVariateFiles, 'aggregate' | 'group'>> {
  const document = await readCompanion(source, '../cv_runs_aggregate.json', readJsonDocument);
  if (document === undefined)
    return { aggregate: entryOf(await aggregateTable(source), run), group: undefined };
  const rows = memberAt(document, ['rows']);
  return {
    aggregate: entryOf(Array.isArray(rows) ? rows : [], run),
    group: without(document, [['rows']]),
  };
}

async function aggregateTable({ files, context, log }: RunSource): Promise<JsonValue[]> {
  const file = '../cv_runs_aggregate.csv';
  const object = files.get(file);
  if (object === undefined) return [];
  const rows: JsonObject[] = [];
  for await (const { header, records } of readCsv(context, object, file, log)) {
    for (const { fields } of records) {
      const cells = header.map((name, c) => [name, parseFloatPython(fields[c]!) ?? fields[c]!] as const);
      rows.push(Object.fromEntries(cells));
    }
  }
  return rows;
}

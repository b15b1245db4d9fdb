import { FV_INJECTION_TRIALS, FV_INJECTIONS } from '../../../lake/tables/fv.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { GENERATIONS, PREDICTIONS } from '../../../lake/tables/tables.ts';
import {
  INJECTION_SCORES,
  injectionMetaSchema,
  injectionResultsSchema,
  injectionSummarySchema,
  injectionTrialSchema,
} from '../../contracts/fv/injection.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { extraJson } from '../../run-files/json-text.ts';
import { readJsonRecords } from '../../run-files/records.ts';
import { rowMaker } from './cells.ts';
import type { Examples } from './examples.ts';
import {
  compareScores,
  ExampleMeans,
  type InjectionScores,
  sameScores,
  scoresOf,
} from './injection-scores.ts';
import type { LayerFiles, SweepFiles } from './layout.ts';
import { type FvRun, readDocument, report } from './run.ts';
import { validated } from './validated.ts';

/** One layer of an injection sweep. */
export interface Injection {
  readonly layer: number;
  readonly reported: InjectionScores | undefined;
  readonly recomputed: InjectionScores | undefined;
  readonly meta: JsonObject | undefined;
  /** Whether the files are there that the contract asks of a layer. */
  readonly complete: boolean;
}

/** The layers of one set of examples. */
export interface Sweep {
  readonly files: SweepFiles;
  /** The relation query of the examples; null when there are several. */
  readonly qId: string | null;
  readonly injections: readonly Injection[];
}

/** Members of `eval_meta.json` that have columns of their own, or repeat `top_heads.json` and `fv_global_resid_meta.json`. */
const META_IN_COLUMNS: ReadonlySet<string> = new Set([
  'edit_layer',
  'n_eval',
  'requested_n_eval',
  'alpha',
  'heads',
  'fv_meta',
]);

const toTrialRow = rowMaker(FV_INJECTION_TRIALS);

/** What the contract's files are about: see the columns. */
const OWN: Row = { vector_kind: 'function_vector', query_set: 'extraction' };

interface TrialRecord {
  readonly value: JsonValue;
  readonly line: number | undefined;
  readonly pointer: string | undefined;
}

/** Reads one sweep into `fv_injections`, `fv_injection_trials`, `generations` and `predictions`. */
export async function readSweep(run: FvRun, files: SweepFiles, examples: Examples): Promise<Sweep> {
  const injections: Injection[] = [];
  const queries = new Set<string | null>();
  for (const [layer, layerFiles] of files.layers) {
    const layerReader = new LayerReader(run, files.path, layer, layerFiles, examples);
    injections.push(await layerReader.read());
    for (const query of layerReader.queries) queries.add(query);
  }
  const [qId = run.qId] = queries;
  return { files, qId: queries.size > 1 ? null : qId, injections };
}

class LayerReader {
  readonly queries = new Set<string | null>();
  readonly #run: FvRun;
  readonly #directory: string;
  readonly #layer: number;
  readonly #files: LayerFiles;
  readonly #examples: Examples;

  constructor(run: FvRun, sweep: string, layer: number, files: LayerFiles, examples: Examples) {
    this.#run = run;
    this.#directory = `${sweep === '' ? '' : `${sweep}/`}layer_${layer}`;
    this.#layer = layer;
    this.#files = files;
    this.#examples = examples;
  }

  async read(): Promise<Injection> {
    const run = this.#run;
    const { summary: summaryFile, meta: metaFile, results: resultFiles } = this.#files;
    const [summary, meta, ...results] = await Promise.all([
      this.#document(summaryFile, injectionSummarySchema),
      this.#document(metaFile, injectionMetaSchema),
      ...resultFiles.map((file) => this.#document(file, injectionResultsSchema)),
    ]);
    const current = this.#currentResults(summary, results);
    const resultsSummary = current?.document['summary'];
    const reportedFrom = summary ?? (isJsonObject(resultsSummary) ? resultsSummary : undefined);
    const metadata = current?.document['metadata'];
    const evalMeta = meta ?? (isJsonObject(metadata) ? metadata : undefined);
    this.#checkMeta(evalMeta, metaFile ?? current?.file);

    const trials = await this.#trials(current);
    const reported = reportedFrom === undefined ? undefined : scoresOf(reportedFrom);
    if (reported !== undefined && trials.scores !== undefined)
      compareScores(
        run.log,
        { file: summaryFile ?? current?.file ?? this.#directory },
        reported,
        trials.scores,
      );
    const nEval = asNumber(evalMeta?.['n_eval']);
    if (nEval !== undefined && trials.n > 0 && nEval !== trials.n) {
      run.log.warn({
        code: 'INJECTION_ROWS_SHORT',
        file: trials.file ?? this.#directory,
        message: `${trials.n} examples; n_eval is ${nEval}`,
      });
    }
    const scores = reported ?? trials.scores;
    const nRows = trials.n > 0 ? trials.n : (nEval ?? null);
    if (scores !== undefined) await this.#emit(scores, nRows, evalMeta, reportedFrom);
    return {
      layer: this.#layer,
      reported,
      recomputed: trials.scores,
      meta: evalMeta,
      complete: summary !== undefined && resultFiles.length > 0,
    };
  }

  async #document(
    file: string | undefined,
    schema: Parameters<typeof validated>[0],
  ): Promise<JsonObject | undefined> {
    const document = await readDocument(this.#run, file);
    if (document === undefined || file === undefined) return undefined;
    const valid = validated(schema, document, { file }, (issue) => report(this.#run, issue));
    return valid === undefined ? undefined : document;
  }

  /**
   * The result file that belongs to the summary. Runs with another number of examples leave theirs beside it, and the
   * last name is not the newest.
   */
  #currentResults(
    summary: JsonObject | undefined,
    documents: readonly (JsonObject | undefined)[],
  ): { readonly file: string; readonly document: JsonObject } | undefined {
    const found = this.#files.results.flatMap((file, i) => {
      const document = documents[i];
      return document === undefined ? [] : [{ file, document }];
    });
    const matching = found.find(({ document }) => {
      const own = document['summary'];
      return summary !== undefined && isJsonObject(own) && sameScores(scoresOf(own), scoresOf(summary));
    });
    const current = matching ?? found.at(-1);
    for (const { file } of found) {
      if (file === current?.file) continue;
      const message = `results of another evaluation; ${current?.file.slice(current.file.lastIndexOf('/') + 1)} is the one read`;
      this.#run.log.warn({ code: 'STALE_RESULTS', file, message });
    }
    if (summary !== undefined && current !== undefined && matching === undefined) {
      const message = 'the summary in it is not that of eval_summary.json';
      this.#run.log.warn({ code: 'STALE_RESULTS', file: current.file, pointer: '/summary', message });
    }
    return current;
  }

  #checkMeta(meta: JsonObject | undefined, file: string | undefined): void {
    const layer = asNumber(meta?.['edit_layer']);
    if (layer === undefined || layer === this.#layer) return;
    const message = `edit_layer is ${layer} in the directory of layer ${this.#layer}`;
    const issue = { code: 'LAYER_MISMATCH', message, pointer: '/edit_layer' };
    this.#run.log.warn(file === undefined ? issue : { ...issue, file });
  }

  async #trials(current: { readonly file: string; readonly document: JsonObject } | undefined) {
    const file = this.#files.trials ?? current?.file;
    const seen = new Set<number>();
    const means = new ExampleMeans();
    if (file === undefined) return { file, n: 0, scores: undefined };
    for await (const batch of this.#records(current)) {
      const rows = new TrialRows();
      for (const record of batch) {
        const idx = this.#addTrial(record, file, seen, rows);
        if (idx === undefined || !isJsonObject(record.value)) continue;
        means.add(record.value);
      }
      await rows.emit(this.#run);
    }
    return { file, n: means.n, scores: means.scores };
  }

  /** The trials one by one: their own file, or what the result file repeats when a crash came before it. */
  async *#records(current: { readonly document: JsonObject } | undefined): AsyncGenerator<TrialRecord[]> {
    const file = this.#files.trials;
    const object = file === undefined ? undefined : this.#run.files.get(file);
    if (object !== undefined && file !== undefined) {
      for await (const records of readJsonRecords(this.#run.context, object, file, this.#run.log)) {
        yield records
          .filter(({ damaged }) => !damaged)
          .map(({ value, line }) => ({ value, line, pointer: undefined }));
      }
      return;
    }
    const results = current?.document['results'];
    if (Array.isArray(results))
      yield results.map((value, i) => ({ value, line: undefined, pointer: `/results/${i}` }));
  }

  #addTrial(
    { value, line, pointer }: TrialRecord,
    file: string,
    seen: Set<number>,
    rows: TrialRows,
  ): number | undefined {
    const { log } = this.#run;
    const place = line === undefined ? { file } : { file, line };
    const data = validated(injectionTrialSchema, value, place, (issue) =>
      log.record(pointer === undefined ? issue : { ...issue, pointer: `${pointer}${issue.pointer ?? ''}` }),
    );
    if (data === undefined || !isJsonObject(value)) return undefined;
    if (seen.has(data.idx)) {
      const message = `example ${data.idx} occurs again; the first one counts`;
      log.record({ code: 'DUPLICATE_TRIAL', ...place, message });
      return undefined;
    }
    seen.add(data.idx);
    const qId = data.q_id ?? this.#run.qId;
    this.queries.add(qId);
    const { id, row: generation } = this.#examples.of(qId, data.prompt, data.answer);
    if (generation !== undefined) rows.generations.push(generation);
    rows.trials.push({
      ...toTrialRow(value),
      ...OWN,
      q_id: qId,
      layer: this.#layer,
      example_id: id,
      source_line: line ?? null,
    });
    rows.predictions.push(this.#prediction(value, id, qId, line));
    return data.idx;
  }

  #prediction(value: JsonObject, exampleId: string, qId: string | null, line: number | undefined): Row {
    const right = asNumber(value['accuracy_with']);
    const token = value['target_token'];
    const label = typeof token === 'string' ? token : null;
    return {
      ...this.#examples.columns(qId),
      example_id: exampleId,
      // Only the id of the predicted token is recorded; its text is known where it is the target's.
      pred_label: right === 1 ? label : null,
      true_label: label,
      correct: right === undefined ? null : right === 1,
      method: 'function_vector',
      source_line: line ?? null,
      edit_layer: this.#layer,
      extra: extraJson(value, PREDICTION_IN_COLUMNS),
    };
  }

  async #emit(
    scores: InjectionScores,
    nEval: number | null,
    meta: JsonObject | undefined,
    summary: JsonObject | undefined,
  ): Promise<void> {
    const requested = asNumber(meta?.['requested_n_eval']);
    const named = evalQuery(meta);
    if (this.queries.size === 0 && named !== undefined) this.queries.add(named);
    const [only = this.#run.qId] = this.queries;
    const fv = meta?.['fv'];
    const others = summary === undefined ? null : extraJson(summary, SCORE_NAMES);
    const row: Row = {
      ...OWN,
      q_id: this.queries.size > 1 ? null : only,
      layer: this.#layer,
      n_eval: nEval,
      requested_n_eval: requested ?? null,
      alpha: asNumber(meta?.['alpha']) ?? null,
      ...Object.fromEntries(INJECTION_SCORES.map((name) => [name, scores.get(name) ?? null])),
      fv_norm: (isJsonObject(fv) ? asNumber(fv['norm']) : undefined) ?? null,
      extra: meta === undefined ? others : extraJson(meta, META_IN_COLUMNS),
    };
    await this.#run.sink.rows(FV_INJECTIONS, [row]);
  }
}

const SCORE_NAMES: ReadonlySet<string> = new Set(INJECTION_SCORES);
const PREDICTION_IN_COLUMNS: ReadonlySet<string> = new Set(['q_id', 'prompt', 'target_token']);

class TrialRows {
  readonly generations: Row[] = [];
  readonly trials: Row[] = [];
  readonly predictions: Row[] = [];

  async emit({ sink }: FvRun): Promise<void> {
    if (this.generations.length > 0) await sink.rows(GENERATIONS, this.generations);
    if (this.trials.length > 0) await sink.rows(FV_INJECTION_TRIALS, this.trials);
    if (this.predictions.length > 0) await sink.rows(PREDICTIONS, this.predictions);
  }
}

function evalQuery(meta: JsonObject | undefined): string | undefined {
  const queries = meta?.['eval_qids'];
  if (!Array.isArray(queries) || queries.length !== 1) return undefined;
  const [query] = queries;
  return typeof query === 'string' ? query : undefined;
}

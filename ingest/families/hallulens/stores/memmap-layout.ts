import {
  type CaptureConfig,
  type CaptureMeta,
  captureConfigSchema,
  captureMetaSchema,
} from '../../../contracts/hallulens/capture.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { Issue, ReadContext } from '../../../family.ts';
import { FormatError } from '../../../formats/errors.ts';
import { readJsonDocument } from '../../../run-files/documents.ts';
import { issueLog } from '../../../run-files/issue-log.ts';
import { readJsonRecords } from '../../../run-files/records.ts';
import { readIcrScores } from './icr-scores.ts';
import { joinKey } from './locate.ts';

/** A sample that the commit log names: its arrays are complete. */
export interface CommittedSample {
  /** Unique within the capture. */
  readonly key: string;
  readonly line: number;
  readonly meta: CaptureMeta;
  /** One score a block, when the scores of this sample can be told. */
  readonly icrScores?: readonly number[];
}

export interface Capture {
  readonly config: CaptureConfig;
  readonly document: JsonObject;
  /** By `sample_index`, in the order of the log. */
  readonly samples: ReadonlyMap<number, CommittedSample>;
  readonly issues: readonly Issue[];
}

/**
 * Reads the configuration and the commit log of a memmap capture (formats: section 6). The last line of a sample
 * counts; rows beyond the allocated ones do not exist.
 * @throws FormatError when the configuration cannot give the shapes of the arrays
 */
export async function openCapture(root: string, context: ReadContext): Promise<Capture> {
  const issues: Issue[] = [];
  const log = issueLog({ issue: (issue) => void issues.push(issue) }, { lenient: true });
  const options = context.signal === undefined ? {} : { signal: context.signal };
  const object = await context.tree.store.head(joinKey(root, 'config.json'), options);
  const meta = await context.tree.store.head(joinKey(root, 'meta.jsonl'), options);
  if (object === undefined || meta === undefined) {
    const missing = object === undefined ? 'config.json' : 'meta.jsonl';
    throw new FormatError('UNSUPPORTED', `a capture without ${missing}`);
  }
  const { value, issues: problems } = await readJsonDocument(context, object, 'config.json');
  const parsed = captureConfigSchema.safeParse(value);
  if (value === undefined || !parsed.success) {
    const [problem] =
      value === undefined ? problems : schemaIssues(captureConfigSchema, value, { file: 'config.json' });
    throw new FormatError('UNSUPPORTED', `config.json: ${problem?.message ?? 'not a capture configuration'}`);
  }
  const config = parsed.data;
  const samples = new Map<number, CommittedSample>();
  const keys = new Map<string, number>();
  for await (const records of readJsonRecords(context, meta, 'meta.jsonl', log)) {
    for (const { line, value, damaged } of records) {
      const record = captureMetaSchema.safeParse(value);
      if (damaged) continue;
      if (!record.success) {
        for (const issue of schemaIssues(captureMetaSchema, value, { file: 'meta.jsonl', line }, 'warning'))
          log.add(issue);
        continue;
      }
      const index = record.data.sample_index;
      if (index >= config.n_samples) {
        const message = `sample ${index} of ${config.n_samples} allocated`;
        log.warn({
          code: 'SAMPLE_OUT_OF_RANGE',
          file: 'meta.jsonl',
          line,
          pointer: '/sample_index',
          message,
        });
        continue;
      }
      if (samples.has(index)) {
        const message = `sample ${index} was written again; this line counts`;
        log.info({ code: 'SUPERSEDED_SAMPLE', file: 'meta.jsonl', line, message });
      }
      const key = String(record.data.key);
      const owner = keys.get(key) ?? index;
      keys.set(key, owner);
      // Dataset ids need not be unique; a repeated one is told apart by its row.
      samples.set(index, { key: owner === index ? key : `${key}#${index}`, line, meta: record.data });
    }
  }
  const scores = await readIcrScores(root, context, samples.size, log);
  if (scores !== undefined) {
    const order = [...samples.keys()].sort((a, b) => a - b);
    for (const [i, index] of order.entries()) {
      samples.set(index, { ...samples.get(index)!, icrScores: scores[i]! });
    }
  }
  log.finish();
  return { config, document: value, samples, issues };
}

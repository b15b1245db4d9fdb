import { diagnosticsDetailsSchema, diagnosticsSchema } from '../../../contracts/entropy/diagnostics.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import { Checks } from '../checks.ts';
import { objectsAt } from '../members.ts';
import { auditedScale } from '../normalization.ts';
import type { ResultFile, ResultReading } from '../result-file.ts';
import {
  checkBaseMean,
  checkBatch,
  checkDerivatives,
  checkEntry,
  checkLengths,
  checkPredictions,
  checkScale,
  checkTokens,
  claimBaseEntropies,
} from './checks.ts';
import { type DiagnosticsContent, type Point, sequenceDerivatives } from './content.ts';
import { emitDiagnostics } from './rows.ts';
import { trueChange } from './true-change.ts';

/** Reads a diagnostics run: true change and derivatives, sequence by sequence where they were captured. */
export function readDiagnostics(results: ResultFile): ResultReading | undefined {
  const { document: raw, file, source, config } = results;
  const { log } = source;
  const parsed = diagnosticsSchema.safeParse(raw);
  if (!parsed.success) {
    for (const issue of schemaIssues(diagnosticsSchema, raw, { file })) log.add(issue);
    return undefined;
  }
  for (const issue of schemaIssues(diagnosticsDetailsSchema, raw, { file }, 'warning')) log.add(issue);
  const document = parsed.data;
  const checks = new Checks(log, file, 'run');
  checkBatch(document, checks);
  checkTokens(document, checks);
  const normalization = checkScale(
    document,
    auditedScale(raw['approx']),
    config?.approx_delta_h?.normalize ?? undefined,
    checks,
  );
  checkDerivatives(document, checks);
  const content: DiagnosticsContent = { document, checks, normalization, ...sequenceDerivatives(document) };
  const points = readPoints(content, results);
  const trueNormalization = points[0]?.normalization;
  checkBaseMean(document, trueNormalization, checks);
  const { method } = document.approx;
  return {
    normalization,
    trueNormalization,
    captured: content.gdotv !== undefined,
    method: typeof method === 'string' ? method : undefined,
    emit: (sink) => emitDiagnostics(sink, results, content, points),
  };
}

function readPoints(content: DiagnosticsContent, { document: raw, file, source }: ResultFile): Point[] {
  const { document } = content;
  const { approx } = document;
  const rawEntries = objectsAt(raw, ['true', 'entries']);
  const seen = new Map<number, number>();
  return document.true.entries.flatMap((entry, i): Point[] => {
    const pointer = `/true/entries/${i}`;
    const checks = new Checks(source.log, file, 'record');
    const first = seen.get(entry.eta);
    seen.set(entry.eta, first ?? i);
    if (first !== undefined) {
      const identity = {
        code: 'DUPLICATE_ETA',
        pointer: `${pointer}/eta`,
        identity: 'eta unique in entries',
      };
      checks.fail(identity, `${entry.eta} is that of entry ${first}`);
    }
    if (!checkLengths(entry, approx.num_sequences, pointer, checks)) return [];
    const change = trueChange(entry);
    const normalization = checkEntry(entry, change, document, pointer, checks);
    checkPredictions(content, entry.eta, checks);
    if (approx.per_sequence !== undefined) claimBaseEntropies(entry, approx.per_sequence, checks);
    return checks.failed ? [] : [{ entry, raw: rawEntries[i]!, change, normalization, checks }];
  });
}

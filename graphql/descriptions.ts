import { type GraphQLSchema, isInputObjectType, isIntrospectionType, isObjectType } from 'graphql';
import type { TableSpec } from '../lake/tables/schema.ts';
import { ACTIVATIONS, PREDICTIONS, RUNS } from '../lake/tables/tables.ts';
import { camelCase } from './plan/entities.ts';

/** A part of the schema that can be described. */
export interface Described {
  /** `Type`, `Type.field` or `Type.field(argument)`. */
  readonly name: string;
  /** The last part of the name. */
  readonly member: string;
  readonly element: { description?: string | null | undefined };
}

/** Every type, field, argument and input field of a schema. */
export function describedParts(schema: GraphQLSchema): Described[] {
  const parts: Described[] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    parts.push({ name: type.name, member: type.name, element: type });
    if (!isObjectType(type) && !isInputObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const name = `${type.name}.${field.name}`;
      parts.push({ name, member: field.name, element: field });
      if (!('args' in field)) continue;
      for (const arg of field.args) {
        parts.push({ name: `${name}(${arg.name})`, member: arg.name, element: arg });
      }
    }
  }
  return parts;
}

/** Gives a description to whatever the types do not describe themselves: its own, else that of all members of its name. */
export function describeRest(schema: GraphQLSchema): void {
  for (const { name, member, element } of describedParts(schema)) {
    element.description ||= BY_NAME[name] ?? BY_MEMBER.get(member);
  }
}

/** What a name means wherever nothing else is said: these, else what the tables' columns of that name mean. */
const BY_MEMBER: ReadonlyMap<string, string> = new Map([
  ...[RUNS, PREDICTIONS, ACTIVATIONS].reverse().flatMap(columnDocs),
  ...Object.entries({
    asOf: 'An older state to read; the newest without it.',
    filter: 'Only rows that satisfy this.',
    orderBy: 'Sort keys, the first one first; rows that they leave equal come in a fixed order.',
    encoding: 'How the vector is written.',
    edges: 'The rows of the page, each with its cursor.',
    nodes: 'The rows of the page.',
    pageInfo: 'Whether there is a next page, and how to ask for it.',
    cursor: 'Pass it as `after` to continue behind this row.',
    node: 'The row.',
    field: 'What to sort by.',
    direction: 'Whether the least or the greatest comes first.',
    nulls: 'Whether rows without a value come first or last.',
    runId: 'Id of the run in the lake.',
    table: 'Name of a table of the lake.',
    nPositive: 'Vectors labelled as hallucinations.',
    nNegative: 'Vectors labelled otherwise.',
    value: 'The number.',
    low: 'Lower bound of the interval.',
    high: 'Upper bound of the interval.',
    mcc: 'Matthews correlation coefficient.',
    balancedAccuracy: 'Mean of the accuracies on the two classes.',
    accuracyValid: 'Correct answers over valid ones.',
    coverage: 'Valid answers over all items.',
    valid: 'Items with a valid answer.',
    total: 'Items.',
    bytes: 'Size in bytes.',
    qId: 'Relation query.',
  }),
]);

function columnDocs(table: TableSpec): [string, string][] {
  return table.columns.map((column) => [camelCase(column.name), column.doc]);
}

/** Descriptions of single parts. */
export const BY_NAME: Readonly<Record<string, string>> = {
  Query:
    'What can be asked. Every answer carries `extensions.snapshot`, the state of the lake that it is of.',
  Mutation: 'What can be changed: runs, jobs, published runs, and the upkeep of the tables.',
  Subscription: 'What a client can be told as it happens, over WebSocket or server-sent events.',
  'Query.projectActivations(measure)': 'Dot product or cosine.',
  'Query.projectActivations(against)': 'The vector to measure against.',
  'Query.nearestActivations(measure)': 'By dot product or by cosine.',
  'Query.nearestActivations(layer)': 'Only activations of this layer.',
  'Query.nearestActivations(to)': 'The vector whose neighbours are wanted.',
  'Query.explainCost(query)': 'A GraphQL query; it is planned and not run.',
  'Query.entropyComparison(runId)': 'An entropy run.',
  'Query.fvHeatmap(runId)': 'A function-vector run.',
  'Query.fvLayerCurve(runId)': 'A function-vector run.',
  'Query.jobs(first)': 'At most this many.',
  'Query.job': 'A job by its id; null when there is none.',
  'Query.job(id)': 'Id of the job, as a launch mutation gave it.',
  'Query.run(id)': 'Id of the run, e.g. `main/hallulens/2026-01-20/…/seed_42`.',
  'Query.aggregateMetrics(source)':
    'Numbers that the artifacts report, or those that Runlake computed itself.',
  'Query.aggregateMetrics(confidence)': 'Level of the intervals, between 0 and 1.',
  'Query.aggregateMetrics(groupBy)': 'What distinguishes groups; runs that agree in all of it are one group.',
  'Query.sql(maxRows)': 'At most this many rows; `truncated` says whether there are more.',
  'Query.sql(query)':
    'One SELECT in the dialect of DuckDB over tables and views of the lake; `SHOW TABLES` lists them.',
  VectorEncoding: 'How vectors are written in an answer.',
  ActivationComponent: 'A principal component of the vectors of one layer.',
  'LayerMeanDifference.vector(encoding)': 'How the vector is written.',
  MeasuredActivation: 'An activation with its measure against the vector that was asked about.',
  SortDirection: 'ASC: the least first. DESC: the greatest first.',
  'ChaosAudit.runs': 'Every ChaosBench run that was audited.',
  'ChaosAuditRun.model': 'Model as the manifest names it.',
  'ChaosAuditRun.flags':
    'What its artifacts show that a reader of its numbers should know, e.g. `dataset_unknown`.',
  'ChaosAuditRun.families': 'The same by family of items.',
  'ChaosAuditRun.effectiveAccuracy': 'Correct answers over all items, invalid ones included.',
  'ChaosConfusion.tp': 'Items whose answer is TRUE that are answered TRUE.',
  'ChaosConfusion.fp': 'Items whose answer is FALSE that are answered TRUE.',
  'ChaosConfusion.tn': 'Items whose answer is FALSE that are answered FALSE.',
  'ChaosConfusion.fn': 'Items whose answer is TRUE that are answered FALSE.',
  'ChaosConfusion.tpr': 'Share of the TRUE items that are answered TRUE.',
  'ChaosConfusion.tnr': 'Share of the FALSE items that are answered FALSE.',
  'ChaosFamily.family': 'Family of the items.',
  'ChaosFamily.correct': 'Items answered correctly.',
  'ChaosFamily.wilsonHigh': 'Upper bound of the same interval.',
  'AuditCheck.risk': 'What would be wrong with the numbers if the check failed.',
  'AuditCheck.result': 'What came of the check.',
  'AuditCheck.runsExamined': 'Runs that have what the check needs.',
  'AuditCheck.runsNotExamined': 'Runs that lack it.',
  'AuditCheck.findings': 'What the check found, a run each.',
  CheckResult: 'What came of a check of the audit.',
  'AuditFinding.detail': 'What was found, in words.',
  'AuditDocument.text': 'The document as Markdown.',
  'RunComparison.a': 'The first run.',
  'RunComparison.b': 'The second run; differences are b minus a.',
  'RunComparison.counts': 'Common examples by what became of them.',
  ComparedRun: 'One of the two runs of a comparison.',
  'ComparedRun.id': 'Id of the run.',
  'RunFlip.kind': 'What became of the example.',
  'RunFlip.a': 'What the first run says of it.',
  'RunFlip.b': 'What the second run says of it.',
  'PairedCorrectness.bothRight': 'Examples on which both runs are right.',
  'PairedCorrectness.onlyARight': 'Examples on which only the first run is right.',
  'PairedCorrectness.onlyBRight': 'Examples on which only the second run is right.',
  'PairedCorrectness.neitherRight': 'Examples on which both runs are wrong.',
  'PairedCorrectness.accuracyA': 'Accuracy of the first run.',
  'PairedCorrectness.accuracyB': 'Accuracy of the second run.',
  'PairedCorrectness.test': 'A test of equal accuracies.',
  'ComparisonEstimate.value': 'The estimate.',
  'ComparisonTest.method': 'Name of the test.',
  'ComparisonTest.pValue': 'Two-sided p-value; null where the test says nothing.',
  'PairedRanking.aurocA': 'AUROC of the first run.',
  'PairedRanking.aurocB': 'AUROC of the second run.',
  'PairedRanking.test': 'A test of equal AUROCs.',
  'QueryCost.tables': 'The same by table.',
  'QueryCost.files': 'Data files that would be read.',
  'QueryCost.bytes': 'Their size in bytes, before row groups are skipped.',
  'QueryCost.rows': 'Rows in them.',
  'QueryCost.rowGroups': 'Row groups in them.',
  'QueryCost.snapshot': 'Token of the state that was asked about.',
  'TableCost.rows': 'Rows in the files that would be read.',
  'FvHeatmap.scoreKey': 'Column of `fv_heads` that the matrix shows.',
  'FvHeatmap.min': 'Least score; null without scores.',
  'FvHeatmap.max': 'Greatest score; null without scores.',
  FvTopHead: 'A head among the k with the greatest scores.',
  'FvTopHead.layer': 'Decoder block, from 0.',
  'FvTopHead.head': 'Query head, from 0.',
  'FvLayerPoint.layer': 'Decoder block at whose output the vector was added, from 0.',
  'Job.id': 'Id of the job.',
  'Job.kind': 'What kind of work it is.',
  'Job.state': 'What it is doing, or how it ended.',
  'Job.owner': 'Who asked for it, where that is known.',
  'Job.createdAt': 'When it was queued.',
  'Job.updatedAt': 'When anything about it last changed.',
  'Job.finishedAt': 'When it ended; null until then.',
  'Job.maxAttempts': 'Attempts that it is allowed.',
  'Job.progress': 'How far it is; null before it begins.',
  'Job.events(first)': 'At most this many.',
  JobConnection: 'A page of jobs.',
  JobEdge: 'A job and its place among the jobs.',
  JobKind: 'What kind of work a job is.',
  JobFailure: 'Why a job failed, was skipped or was cancelled.',
  'JobFailure.code': 'Stable machine-readable code.',
  'JobFailure.message': 'The same in words.',
  'JobProgress.done': 'Units of work that are done in this stage.',
  'JobProgress.total': 'Units of work of this stage; null where nobody knows.',
  'JobEvent.at': 'When it happened.',
  'JobEvent.attempt': 'The attempt it belongs to, from 1; 0 before the first.',
  'JobEvent.message': 'What happened.',
  'LakeInfo.tables': 'Every table, with its newest version.',
  'LakeInfo.files': 'Data files with current rows, of all tables.',
  'LakeInfo.bytes': 'Their size in bytes.',
  'TableInfo.name': 'Name of the table, as in SQL.',
  'TableInfo.doc': 'What a row is.',
  'TableInfo.columns': 'Its columns, in their order.',
  ColumnInfo: 'A column of a table.',
  'ColumnInfo.name': 'Name of the column, as in SQL.',
  'ColumnInfo.nullable': 'Whether it may have no value.',
  'ColumnInfo.doc': 'What it means.',
  'MetricAggregate.metric': 'Name of the metric.',
  'MetricAggregate.scope': 'Part of the run that the metric is of; `overall` is the whole.',
  DimensionValue: 'What the runs of a group have in common in one dimension.',
  'DimensionValue.dimension': 'The dimension, as it was asked for.',
  'DimensionValue.value': 'Its value in the group; null where the runs have none.',
  MetricSource: 'Whose number it is.',
  'ModelVerdict.passed': 'Whether every check passed.',
  'ModelVerdict.checks': 'The self-checks of the model.',
  'ModelVerdict.checkedAt': 'When they ran.',
  'ModelCheck.name': 'Name of the check.',
  'ModelCheck.tolerance': 'Greatest difference that passes.',
  'ModelCheck.passed': 'Whether the difference is within the tolerance.',
  'ServerInfo.principal': 'Who the server takes the caller for.',
  'ServerInfo.limits': 'What a request may cost.',
  'LimitInfo.allowed': 'Greatest value that is allowed.',
  'SqlResult.columns': 'Name and type of each column.',
  'SqlResult.rowCount': 'Rows in the answer.',
  SqlColumn: 'A column of an answer.',
  'SqlColumn.name': 'Its name.',
  'Mutation.compact(table)': 'Only this table; all tables without it.',
  'Mutation.vacuum(dryRun)': 'Only say what would be deleted.',
  'Mutation.vacuum(retentionHours)': 'States of the last so many hours stay readable.',
  'Mutation.vacuum(table)': 'Only this table; all tables without it.',
  'Mutation.publishRun(input)': 'Which run, and where to.',
  'Mutation.cancelJob(id)': 'The job to stop.',
  'Mutation.retryJob(id)': 'The job to queue again.',
  'Mutation.launchInference(input)': 'What to generate, and with which model.',
  'Mutation.launchEvaluation(input)': 'What to judge, and how.',
  'Mutation.launchProbe(input)': 'Which activations to learn from, and how.',
  'Mutation.launchFv(input)': 'Which relations, which model, and what to compute.',
  'Mutation.launchChaosEval(input)': 'Which items, which model, and how to ask.',
  'IngestReport.runs': 'Every run that was found, with what became of it.',
  'IngestReport.rejected': 'Runs that were rejected.',
  IngestedRunReport: 'What became of a run that ingest found.',
  'IngestedRunReport.family': 'Family of the run; null where that could not be told.',
  'IngestedRunReport.issues': 'What was found wrong or noteworthy in it.',
  IngestIssue: 'Something wrong or noteworthy in an artifact.',
  'IngestIssue.code': 'Stable machine-readable code.',
  'IngestIssue.file': 'Artifact, relative to the run.',
  'IngestIssue.line': '1-based line.',
  'IngestIssue.message': 'What was found and what was expected.',
  'CompactionReport.filesBefore': 'Live files before.',
  'CompactionReport.filesAfter': 'Live files after.',
  'CompactionReport.bytesBefore': 'Their size before, in bytes.',
  'CompactionReport.bytesAfter': 'Their size after, in bytes.',
  'VacuumReport.files': 'Objects that were deleted.',
  'VacuumReport.bytes': 'Their size in bytes.',
  'PublishReceipt.artifactsCopied': 'Names of the artifacts that were copied.',
  'PublishReceipt.compressPredictions': 'Whether the predictions were compressed.',
  'PublishReceipt.artifacts': 'The files that were published.',
  PublishedArtifact: 'A published file.',
  'PublishedArtifact.file': 'Its name.',
  'PublishedArtifact.sha256': 'SHA-256 of its bytes, in hexadecimal.',
  'Subscription.jobUpdated(id)': 'Only this job; all jobs without it.',
  'ActivationTargetInput.activation': 'A vector of `activations`.',
  'ActivationTargetInput.fv': 'A vector of `fvVectors`.',
  'ActivationTargetInput.probe': 'The direction of a probe.',
  'FvVectorInput.layer': 'Decoder block, from 0.',
  'FvVectorInput.head': 'Query head, from 0.',
  'ProbeDirectionInput.runId': 'The run that a probe job put into the lake.',
  InferenceInput: 'An inference job: prompts, a model, how to generate, and what to capture.',
  EvaluationInput: 'An evaluation job: which generations to judge, and how.',
  ProbeInput: 'A probe job: which activations to learn from, with which method, and how to judge it.',
  FvInput: 'A function-vector job: relations, a model, the head sweep and the injections.',
  ChaosEvalInput: 'A ChaosBench job: items, a model, prompts, parsing and retries.',
  'InferenceInputShard.index': 'Which part this job does, from 0.',
  'InferenceInputShard.count': 'How many parts there are.',
  'FvInputShard.index': 'Which part this job does, from 0.',
  'FvInputShard.count': 'How many parts there are.',
  'ProbeInputRuns.method': 'Only runs of this method.',
  'ProbeInputRuns.modelId': 'Only runs of this model.',
  'ProbeInputRuns.benchmark': 'Only runs on this benchmark.',
  'ProbeInputRuns.seed': 'Only runs with this seed.',
  'ProbeInputTestRuns.method': 'Only runs of this method.',
  'ProbeInputTestRuns.modelId': 'Only runs of this model.',
  'ProbeInputTestRuns.benchmark': 'Only runs on this benchmark.',
  'ProbeInputTestRuns.seed': 'Only runs with this seed.',
  'ProbeInputSaplma.learningRate': 'Step size of the optimiser.',
  'ProbeInputContrastive.temperature': 'Temperature of the contrastive loss.',
  'ProbeInputContrastive.baseTemperature': 'Its base temperature, by which the loss is scaled.',
};

import type { ObjectInfo } from '../../../lake/store/object-store.ts';
import type { Results } from '../../contracts/lm-eval/results.ts';
import type { Directory } from '../../discovery/directory.ts';
import { absolutePath } from '../../discovery/path.ts';
import type { DiscoverContext, ReadContext, RunCandidate, RunFinder, SourceTree } from '../../family.ts';
import { resultsStamp, samplesName, sanitizedModel, UNSTAMPED_RESULTS, unstampedSamples } from './names.ts';
import { forTask, modelName, partsOf, readResultsFile } from './results-file.ts';

/** `RunCandidate.kind`: a task, a group of tasks, or a results file that cannot be read. */
export type LmEvalKind = 'task' | 'group' | 'unreadable';

/** Result and sample files, which bear the time in their names. */
export const MARKS = {
  has: (name: string) =>
    name === UNSTAMPED_RESULTS || resultsStamp(name) !== undefined || samplesName(name) !== undefined,
};

/** Every version writes `results` first. */
const HEAD = /^(?:\uFEFF)?\s*\{\s*"results"\s*:\s*\{/;
const HEAD_BYTES = 256;

/**
 * Finds runs of lm-evaluation-harness: every task and every group of a results file is one, since a task is what others
 * call a benchmark. `RunCandidate.part` is its name.
 */
export function finder(tree: SourceTree, context: DiscoverContext): RunFinder {
  const reading: ReadContext = { tree, lenient: true, ...(context.signal ? { signal: context.signal } : {}) };
  return {
    async visit(directory) {
      const runs: RunCandidate[] = [];
      for (const [name, object] of directory.files) {
        if (name !== UNSTAMPED_RESULTS && resultsStamp(name) === undefined) continue;
        if (await looksRight(object, reading)) {
          runs.push(...(await runsOf(directory, name, object, reading, context.namespace)));
        }
      }
      reportStraySamples(directory, runs, context);
      return runs;
    },
  };
}

async function looksRight(object: ObjectInfo, { tree, signal }: ReadContext): Promise<boolean> {
  if (object.size === 0) return false;
  const range = { start: 0, end: HEAD_BYTES };
  const head = await tree.store.get(object.key, { range, ...(signal ? { signal } : {}) });
  return HEAD.test(Buffer.from(head).toString('utf8'));
}

async function runsOf(
  directory: Directory,
  name: string,
  object: ObjectInfo,
  context: ReadContext,
  namespace: string,
): Promise<RunCandidate[]> {
  const { content } = await readResultsFile(context, object, name);
  const stamp = resultsStamp(name);
  const path = absolutePath(context.tree.store.uri, directory.key);
  const directoryName = path.at(-1) ?? '';
  const found = { family: 'LM_EVAL', root: directory.key } as const;
  if (content === undefined) {
    // Another tool's results.json is none of our business; a time stamp in the name is the harness's.
    if (stamp === undefined) return [];
    const runId = [namespace, 'lm_eval', directoryName, stamp].join('/');
    const samples = [...directory.files].filter(([file]) => samplesName(file)?.stamp === stamp);
    return [{ ...found, kind: 'unreadable', runId, files: [object, ...samples.map(([, file]) => file)] }];
  }
  const { results } = content;
  const samples = sampleFiles(directory, stamp, results.config.model_args);
  const model = results.model_name_sanitized || sanitizedModel(modelName(results) ?? directoryName);
  return partsOf(results, (task) => samples(task) !== undefined).map((part) => {
    const file = samples(part);
    return {
      ...found,
      kind: isGroup(results, part) ? 'group' : 'task',
      runId: [namespace, 'lm_eval', model, stamp ?? directoryName, part].join('/'),
      part,
      files: file === undefined ? [object] : [object, file],
    };
  });
}

function isGroup({ group_subtasks = {}, configs = {} }: Results, part: string): boolean {
  return (forTask(group_subtasks, part)?.length ?? 0) > 0 && !Object.hasOwn(configs, part);
}

/** Finds the samples of a task that a results file tells of. */
function sampleFiles(
  { files }: Directory,
  stamp: string | undefined,
  modelArgs: unknown,
): (task: string) => ObjectInfo | undefined {
  if (stamp === undefined) {
    return (task) =>
      typeof modelArgs === 'string' ? files.get(unstampedSamples(modelArgs, task)) : undefined;
  }
  return (task) =>
    files.get(`samples_${task}_${stamp}.jsonl`) ?? files.get(`samples_${task}_${stamp}.jsonl.gz`);
}

/** Samples without results: the harness was stopped, or the results file was lost. */
function reportStraySamples(
  { files }: Directory,
  runs: readonly RunCandidate[],
  context: DiscoverContext,
): void {
  const read = new Set(runs.flatMap((run) => run.files.map(({ key }) => key)));
  for (const [name, { key }] of files) {
    const samples = samplesName(name);
    if (samples === undefined || read.has(key)) continue;
    context.issue?.({
      severity: 'warning',
      code: 'SAMPLES_WITHOUT_RESULTS',
      file: key,
      message: `no results file of ${samples.stamp} names the task ${samples.task}; the samples are skipped`,
    });
  }
}

import type { ObjectInfo } from '../../../lake/store/object-store.ts';
import { planSchema } from '../../contracts/entropy/companions.ts';
import { type Directory, parentKey } from '../../discovery/directory.ts';
import { absolutePath } from '../../discovery/path.ts';
import type { DiscoverContext, RunCandidate, RunFinder, SourceTree } from '../../family.ts';
import { readJsonDocument } from '../../run-files/documents.ts';
import { entropyIdentity, isBelowResults } from './identity.ts';

const RESULTS = /^results\d*\.json$/;
const OWN_COMPANIONS = ['plan.json', 'config.yaml'];
const CV_COMPANIONS = ['cv_per_seq.csv', 'cv_feature_stats.csv', 'cv_summary.json'];
/** What a group of runs has beside their directories. */
const GROUP_COMPANIONS = ['index.json', 'cv_runs_aggregate.json', 'cv_runs_aggregate.csv'];

/** Every result file is kept of a directory, however many files lie there. */
export const MARKS = Object.freeze({
  has: (name: string) => RESULTS.test(name) || OWN_COMPANIONS.includes(name) || CV_COMPANIONS.includes(name),
});

/** Members that only results of these experiments have, within the first bytes of the file. */
const HEAD_BYTES = 65_536;
const MEMBERS = /"(?:B_E|sweep|csv_path|gdotv_batch)"\s*:/;

/** Finds entropy runs: directories with a result file. What a control-variate run wrote lies one level deeper. */
export function finder(tree: SourceTree, context: DiscoverContext): RunFinder {
  const analyses = new Map<string, ObjectInfo[]>();
  const beside = groupFiles(tree, context);
  return {
    async visit(directory) {
      const { key, files } = directory;
      if (files.has('cv_per_seq.csv')) {
        const parent = parentKey(key);
        analyses.set(parent, [...(analyses.get(parent) ?? []), ...files.values()]);
        return [];
      }
      const analysis = analyses.get(key) ?? [];
      analyses.delete(key);
      const results = [...files.values()].filter((file) => RESULTS.test(nameOf(file.key)));
      if (results.length === 0 || !(await isEntropyRun(tree, directory, results, context))) return [];
      const group = await beside(directory);
      for (const file of group) context.recognised?.(file.key);
      const own = [...files.values()].filter((file) => !RESULTS.test(nameOf(file.key)));
      const read = [...own.filter((file) => OWN_COMPANIONS.includes(nameOf(file.key))), ...group];
      const attachments = own.filter((file) => !read.includes(file));
      for (const file of analysis) {
        (CV_COMPANIONS.includes(nameOf(file.key)) ? read : attachments).push(file);
      }
      const runId = `${context.namespace}/entropy/${entropyIdentity(tree.store.uri, key)}`;
      return results.map((file, i): RunCandidate => {
        // A further result file is a run of its own.
        const part = i === 0 ? undefined : nameOf(file.key).replace(/\.json$/, '');
        return {
          family: 'ENTROPY',
          kind: 'results',
          root: key,
          runId: part === undefined ? runId : `${runId}/${part}`,
          ...(part === undefined ? {} : { part }),
          files: [...read, file].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
          results: file,
          ...(attachments.length === 0 ? {} : { attachments }),
        };
      });
    },
  };
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** Many tools write a `results.json`: ours lies in a known place, has our plan beside it, or members of its own. */
async function isEntropyRun(
  tree: SourceTree,
  { key, files }: Directory,
  results: readonly ObjectInfo[],
  { signal }: DiscoverContext,
): Promise<boolean> {
  if (isBelowResults(absolutePath(tree.store.uri, key))) return true;
  const options = signal === undefined ? {} : { signal };
  const plan = files.get('plan.json');
  if (plan !== undefined) {
    const { value } = await readJsonDocument({ tree, lenient: true, ...options }, plan, 'plan.json');
    if (planSchema.safeParse(value).success) return true;
  }
  for (const file of results) {
    const range = { start: 0, end: Math.min(HEAD_BYTES, file.size) };
    const head = await tree.store.get(file.key, { ...options, range });
    if (MEMBERS.test(Buffer.from(head).toString('latin1'))) return true;
  }
  return false;
}

/**
 * Finds what a run shares with its group: the files beside its directory, and the configuration, of which only the
 * first run of a group (`run_01`) keeps a copy. They are looked for one by one, because the user may have named the run
 * alone.
 */
function groupFiles(
  tree: SourceTree,
  { signal }: DiscoverContext,
): (directory: Directory) => Promise<ObjectInfo[]> {
  const options = signal === undefined ? {} : { signal };
  let last: { readonly parent: string; readonly found: Map<string, Promise<ObjectInfo | undefined>> };
  return async ({ key, files }) => {
    if (key === '') return [];
    const parent = parentKey(key);
    // Runs of one group follow each other, so remembering one group is enough.
    if (last?.parent !== parent) last = { parent, found: new Map() };
    const names = [...GROUP_COMPANIONS];
    const first = firstOfGroup(nameOf(key));
    if (!files.has('config.yaml') && first !== undefined) names.push(`${first}/config.yaml`);
    const wanted = names.map((name) => {
      const found =
        last.found.get(name) ?? tree.store.head(parent === '' ? name : `${parent}/${name}`, options);
      last.found.set(name, found);
      return found;
    });
    return (await Promise.all(wanted)).filter((file) => file !== undefined);
  };
}

/** `run_07` -> `run_01`; undefined for the first run itself and for names without a number. */
function firstOfGroup(name: string): string | undefined {
  const [, stem, digits] = /^(.*?)(\d+)$/.exec(name) ?? [];
  if (stem === undefined || digits === undefined) return undefined;
  const first = `${stem}${'1'.padStart(digits.length, '0')}`;
  return first === name ? undefined : first;
}

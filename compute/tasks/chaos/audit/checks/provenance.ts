import { FINGERPRINT_UNAVAILABLE } from '../../../../../ingest/contracts/chaosbench/run-manifest.ts';
import { counted } from '../../markdown.ts';
import { isMock } from '../model.ts';
import { type Check, findings, NOT_EXAMINED, note, problem } from './check.ts';

const SHORT = 16;

/** Was the frozen dataset evaluated? */
export const datasetFingerprint: Check = {
  id: 'dataset-fingerprint',
  risk: 'The dataset is not the frozen one (SHA mismatch)',
  examine({ manifest, failed, flags }) {
    if (manifest === undefined || flags.includes('dataset_unknown')) return NOT_EXAMINED;
    if (!failed.includes('dataset_global_sha256')) return [];
    const stored = manifest.dataset_global_sha256;
    if (flags.includes('sha_matches_legacy_formula'))
      return [
        note(
          1,
          `stored ${stored.slice(0, SHORT)}…, which is the frozen dataset by the formula without line counts`,
        ),
      ];
    return [
      problem(
        1,
        stored === FINGERPRINT_UNAVAILABLE
          ? 'no fingerprint was recorded'
          : `stored ${stored.slice(0, SHORT)}…, which is not the frozen dataset by either formula`,
      ),
    ];
  },
};

/** Does a subset pass for the whole dataset, or another dataset for the canonical one? */
export const subsetConfusion: Check = {
  id: 'subset-confusion',
  risk: 'A subset passes for the whole dataset, or another selection for the canonical one',
  examine({ manifest, failed, flags }) {
    if (manifest === undefined) return NOT_EXAMINED;
    const planned = Number(manifest.total_items_evaluated);
    const found = [];
    if (failed.includes('canonical_selector'))
      found.push(problem(1, `selector ${manifest.canonical_selector}`));
    if (flags.includes('subset_without_max_items'))
      found.push(
        note(
          1,
          `max_items is null, and yet ${counted(planned, 'item')} of the dataset were planned, not all`,
        ),
      );
    if (failed.includes('max_items'))
      found.push(note(1, `max_items ${manifest.max_items} is no documented size`));
    return found.length === 0 && flags.includes('dataset_unknown') ? NOT_EXAMINED : found;
  },
};

/** Is it the current prompt? */
export const promptVersion: Check = {
  id: 'prompt',
  risk: 'The prompt is not the current one',
  examine: ({ manifest, failed }) =>
    manifest === undefined
      ? NOT_EXAMINED
      : findings(
          problem(
            failed.includes('prompt_hash') ? 1 : 0,
            `prompt ${manifest.prompt_version} has hash ${manifest.prompt_hash}`,
          ),
        ),
};

/** Can the code that made the run be found again? */
export const codeVersion: Check = {
  id: 'code',
  risk: 'The code that made the run cannot be traced to a tagged commit',
  examine({ manifest, failed, flags }) {
    if (manifest === undefined || flags.includes('git_tags_unknown')) return NOT_EXAMINED;
    const commit = manifest.git_commit;
    const detail = commit === null ? 'no commit was recorded' : `commit ${commit} is reachable from no tag`;
    return findings(problem(failed.includes('git_commit') ? 1 : 0, detail));
  },
};

/** Did a model answer at all? */
export const mockProvider: Check = {
  id: 'mock-provider',
  risk: 'A mock provider answered in place of a model',
  examine: (run) => findings(note(isMock(run) ? 1 : 0, 'the mock provider; in no paper table')),
};

/** Was the run made of several sessions? */
export const resumed: Check = {
  id: 'resumed',
  risk: 'The run was resumed, so its latencies and code version are those of the last session only',
  examine({ manifest }) {
    if (manifest?.resumed_from === undefined) return NOT_EXAMINED;
    return findings(note(manifest.resumed_from === null ? 0 : 1, `resumed from ${manifest.resumed_from}`));
  },
};

/** Did ingest object to anything? */
export const ingestIssues: Check = {
  id: 'ingest-issues',
  risk: 'The artifacts break their contract (issues recorded by ingest)',
  examine: ({ issues }) =>
    issues
      .filter(({ severity }) => severity !== 'info')
      .map(({ code, severity, count }) =>
        severity === 'error' ? problem(count, `${count} × ${code}`) : note(count, `${count} × ${code}`),
      ),
};

import { jsonText } from '../../../run-files/json-text.ts';

/** One line of the contract's compliance checklist (section 6). */
export interface ChecklistItem {
  readonly item: string;
  readonly passed: boolean;
  /** Why it failed, or what was found. */
  readonly detail: string;
}

/** An issue as the checklist needs it. */
export interface ChecklistEvidence {
  readonly code: string;
  readonly file: string | undefined;
  readonly pointer: string | undefined;
  readonly message: string;
}

const ITEMS: readonly { readonly item: string; readonly fails: (issue: ChecklistEvidence) => boolean }[] = [
  {
    item: 'Run directory follows the naming convention',
    fails: ({ code }) => code === 'NAMING_CONVENTION' || code.endsWith('_PATH_MISMATCH'),
  },
  {
    item: 'config.json exists and includes all required fields',
    fails: ({ file, code }) => file === 'config.json' && !code.endsWith('_PATH_MISMATCH'),
  },
  {
    item: 'run_manifest.json exists and includes git + environment provenance',
    // Whether a model of ours passed its self-checks is nothing that the contract asks.
    fails: ({ file, pointer = '' }) => file === 'run_manifest.json' && !pointer.startsWith('/model_check'),
  },
  {
    item: 'generations.jsonl contains example_id, prompt, response, label.halu',
    fails: ({ file, code }) => file === 'generations.jsonl' && code !== 'NO_ACTIVATION_LINK',
  },
  {
    item: 'predictions.csv contains example_id, score_halu, label_halu',
    fails: ({ file, code }) => file === 'predictions.csv' && code !== 'ACTIVATION_ENTRY_MISSING',
  },
  {
    item: 'eval_metrics.json contains auroc and identifying fields',
    fails: ({ file, code }) => file === 'eval_metrics.json' && !code.endsWith('_PATH_MISMATCH'),
  },
  {
    item: 'Activations store can be joined via example_id or activation_key',
    fails: ({ code }) => code.startsWith('ACTIVATION_') || code === 'NO_ACTIVATION_LINK',
  },
  {
    item: 'train_metrics.jsonl is complete',
    fails: ({ file }) => file === 'train_metrics.jsonl',
  },
];

/** Goes through the checklist with the errors and warnings of a run as evidence. */
export function complianceChecklist(evidence: readonly ChecklistEvidence[]): ChecklistItem[] {
  return ITEMS.map(({ item, fails }) => {
    const against = evidence.filter(fails);
    const [first] = against;
    if (first === undefined) return { item, passed: true, detail: 'checked' };
    const more = against.length > 1 ? ` (and ${against.length - 1} more)` : '';
    return { item, passed: false, detail: `${first.code}: ${first.message}${more}` };
  });
}

/** The checklist as JSON text, for `runs.compliance`. */
export function checklistJson(items: readonly ChecklistItem[]): string {
  return jsonText(items.map(({ item, passed, detail }) => ({ item, passed, detail })));
}

/**
 * What to do about an issue. A message says what was found and what was expected; this says what a person can do, where
 * that is known. Codes are looked up one by one first, then by what their names have in common.
 */

const AGAIN = 'and ingest the run again';

const BY_CODE: Readonly<Record<string, string>> = {
  ACTIVATION_STORE_MISSING: `put the activation store where the run names it ${AGAIN}; the rest of the run is not affected`,
  ACTIVATION_STORE_UNREADABLE: `copy the store anew from where it was written, or capture it again, ${AGAIN}`,
  ACTIVATION_STORE_DAMAGED: `copy the store anew from where it was written, or capture it again, ${AGAIN}`,
  ACTIVATION_ENTRY_UNREADABLE: `capture the entry again ${AGAIN}; other entries are not affected`,
  ACTIVATION_METADATA_UNREADABLE: `capture the entry again ${AGAIN}; other entries are not affected`,
  ACTIVATION_ENTRY_MISSING: `capture activations for the key that the generation names, or correct the key, ${AGAIN}`,
  ACTIVATION_KEY_INVALID: `write the key as the store has it ${AGAIN}`,
  AMBIGUOUS_ACTIVATION_KEY: `give each generation a key of its own in the store ${AGAIN}`,
  NO_ACTIVATION_LINK: `write the activation_key of the generation ${AGAIN}`,
  STORE_INDEX_MISSING: `copy the index of the store from where it was written ${AGAIN}`,
  STORE_FORMAT_MISMATCH: `name the format that the store really has ${AGAIN}`,
  LMDB_CHANGED: `wait until the writer has closed the store ${AGAIN}`,
  LMDB_UNSUPPORTED: 'write the store with LMDB data format 1, as Python and most tools do',
  PICKLE_FORBIDDEN:
    'save plain arrays or tensors (numpy.save, torch.save of tensors, numbers and texts); pickles of other objects could run code and are never loaded',
  SAMPLE_OUT_OF_RANGE: `capture the sample again with room for it ${AGAIN}`,
  SAMPLE_WITHOUT_TEXT: `write the text of the sample ${AGAIN}; its activations cannot be linked before`,
  UNCOMMITTED_SAMPLE: `resume the capture, which was interrupted in this sample, ${AGAIN}`,
  SUPERSEDED_SAMPLE: 'nothing: the later line counts',
  SUPERSEDED_RECORD: 'nothing: the later record counts',
  ICR_SCORES_UNUSABLE: `compute the ICR scores again ${AGAIN}; the rest of the capture is not affected`,
  MISSING_FILE: `let the run end, or copy the file from where it ran, ${AGAIN}`,
  MISSING_SCORE_KEY: 'rank the heads by a score that the run has, or run the sweep again',
  TRUNCATED_LAST_LINE: `resume the run, whose writer was interrupted, ${AGAIN}`,
  TRUNCATED_LINE: `resume the run, whose writer was interrupted, ${AGAIN}`,
  RUN_UNFINISHED: `let the run end, or resume it, ${AGAIN}`,
  INTERRUPTED_RUN: `resume the run ${AGAIN}`,
  HEADS_MISSING: `resume the sweep ${AGAIN}`,
  RUN_ERROR: `mend what the error says, run it again ${AGAIN}`,
  RUN_FAILED: `mend what the error says, run it again ${AGAIN}`,
  RUN_SKIPPED: 'give the run more data if it should not be skipped',
  STALE_RUN_ERROR: 'remove the report if the later attempt succeeded',
  CHECKPOINT_LEFT: `resume the run if it is not complete, else remove the checkpoint, ${AGAIN}`,
  STALE_RESULTS: 'remove the results of earlier evaluations; those that are read are not affected',
  STALE_INJECTION: `inject the present vector into this layer again ${AGAIN}`,
  STATUS_MISMATCH: 'see whether the run ended; rows are read as they are, whatever the status says',
  NEAR_CONSTANT_SCORE: 'see why the method gives every answer the same score before you quote its metrics',
  NAN_SCORE: 'see why the method gave no number; such predictions are left out of metrics',
  SCORE_NOT_NUMERIC: `write the score as a number ${AGAIN}`,
  NON_FINITE: 'see why the number is infinite or NaN; SQL keeps it, GraphQL has null',
  JSON_NAN_LITERAL:
    'write null or the text "NaN" instead: JSON has no such number, and stricter readers refuse the file',
  DUPLICATE_CONTENT: 'nothing where it is a copy; else see which of the two was meant to be measured',
  DUPLICATE_PROMPT: 'nothing where the benchmark repeats the question; else remove one of the lines',
  DUPLICATE_RUN: 'ingest the two trees into different namespaces with --namespace',
  CLAIMED_TWICE: 'keep runs of different tools in directories of their own',
  ATTACHMENTS_CUT: 'nothing: what belongs to the run is read',
  RETRY_PAIR_INCOMPLETE: `write both retry fields or neither ${AGAIN}`,
  CORRECT_NOT_NULL_IFF_INVALID: `write correct as null for invalid answers, and only for them, ${AGAIN}`,
  SELECTOR_NOT_CANONICAL: 'evaluate on the canonical selection to have an official verdict',
  DATASET_NOT_AS_FROZEN: 'evaluate on the frozen dataset to have an official verdict',
  PREDICTIONS_NOT_PUBLISHED: 'ingest the run directory that was published from to have its predictions too',
  FILE_NOT_IN_RECEIPT: `publish the run again ${AGAIN} if the file belongs to it`,
  PUBLISHED_COPY: 'nothing: the original is read',
  PUBLISHED_INDEX_ORPHAN: 'publish the run again, or take it out of the index',
  V1_ARCHIVE_IGNORED: 'nothing: archives of the first version are not runs',
  RESULT_TABLES_IGNORED: 'nothing: such tables are derived from runs, which are read themselves',
  UNRECOGNISED_FILES:
    'nothing where these are no runs; docs/adding-a-family.md says how Runlake learns to read another kind',
  COMPANION_DISAGREES:
    'see which of the files is right and correct the other; numbers here are those of the result file',
  PLAN_CONTRADICTION: 'see which of plan and result is right; numbers here are those of the result file',
  NORMALIZATION_MISMATCH:
    'compare per_token_value and per_sequence_value before you compare the run with others',
  UNKNOWN_GROUND_TRUTH: `correct the ground truth in the dataset and evaluate again, ${AGAIN}`,
  UNKNOWN_EXAMPLE_ID: `write predictions and generations of the same examples ${AGAIN}`,
  UNKNOWN_TRIAL: `remove what is left of another sweep ${AGAIN}`,
  UNKNOWN_SHAPE: 'write one of the shapes that docs/entropy.md lists',
  MODEL_UNVERIFIED: 'check the model on this machine with runlake model check, then run it again',
  MODEL_CHECK_FAILED:
    'do not use these numbers: run it with another provider or precision that passes the checks',
  NO_SAMPLES: 'run lm-evaluation-harness with --log_samples to have the answers too',
  SAMPLES_WITHOUT_RESULTS: 'put the samples beside the results file of the same evaluation',
  ANSWERS_DIFFER: 'see whether the samples are of one evaluation',
  BYTE_ORDER_MARK: 'nothing: the mark is skipped; write UTF-8 without it for other readers',
  LONE_SURROGATE: 'write the text as UTF-8; half a character is replaced',
  FILE_TOO_LARGE: `split the file, or leave out what is no part of the contract, ${AGAIN}`,
  READ_FAILED: 'see whether the file can be read from here, then ingest again',
  OBJECT_NOT_FOUND: 'see whether the file was moved while it was read, then ingest again',
  EMPTY_FILE: `let the run end, or copy the file from where it ran, ${AGAIN}`,
};

/** What codes with a common part say, the first that fits. */
const BY_NAME: readonly (readonly [name: RegExp, remedy: string])[] = [
  [
    /^NAMING_CONVENTION$|_PATH_MISMATCH$/,
    `move the run to the directory that says what it is, or correct what it says of itself, ${AGAIN}`,
  ],
  [/_SHORT$|^MISSING_SAMPLE/, `resume the run ${AGAIN}`],
  [
    /_CORRUPT$|^(FORMAT_ERROR|BAD_GZIP|BAD_JSON|BAD_YAML|BAD_CSV|INVALID_JSON|INVALID_CSV)$/,
    `copy the file anew from where it was written, or write it again, ${AGAIN}`,
  ],
  [/^NON_UTF8/, `write the file as UTF-8 ${AGAIN}`],
  [/^DUPLICATE_/, `leave one of those that are the same ${AGAIN}`],
  [/^TOO_MANY_/, `divide the run ${AGAIN}`],
  [
    /^(MISSING_|WRONG_|INVALID_|BAD_)|^(CSV_FIELD_COUNT|SEQUENCE_ORDER|UNKNOWN_EVAL_SHAPE)$/,
    `write what the message expects ${AGAIN}; runlake validate says whether it is right, without writing anything`,
  ],
  [
    /_MISMATCH$|_DISAGREES$|^WEIGHTS_NOT_NORMALISED$/,
    `write the artifact again with the tool that made it: its numbers contradict each other`,
  ],
];

/** What to do about an issue with this code; undefined where its message is all there is to say. */
export function remedyOf(code: string): string | undefined {
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  return BY_NAME.find(([name]) => name.test(code))?.[1];
}

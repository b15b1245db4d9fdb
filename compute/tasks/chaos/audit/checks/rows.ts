import { counted } from '../../markdown.ts';
import { type Check, findings, NOT_EXAMINED, note, problem } from './check.ts';

/** Do the rows belong to the items that were planned? */
export const misalignedRows: Check = {
  id: 'misaligned-rows',
  risk: 'Rows are missing, or belong to other items (misalignment)',
  examine({ manifest, evidence }) {
    if (manifest === undefined || evidence === undefined) return NOT_EXAMINED;
    const planned = Number(manifest.total_items_evaluated);
    const { rows, conflictingItems, wrongCorrect } = evidence;
    return findings(
      problem(Math.abs(planned - rows), `${counted(rows, 'row')} of ${counted(planned, 'planned item')}`),
      problem(
        conflictingItems,
        `${counted(conflictingItems, 'item')} with another question or truth than in other runs over this dataset`,
      ),
      problem(
        wrongCorrect,
        `${counted(wrongCorrect, 'row')} whose 'correct' is not whether label and truth agree`,
      ),
    );
  },
};

/** Is every item there once? */
export const duplicateIds: Check = {
  id: 'duplicate-ids',
  risk: 'Items occur more than once (duplicate ids)',
  examine: ({ evidence }) =>
    evidence === undefined
      ? NOT_EXAMINED
      : findings(
          problem(
            evidence.duplicateIds,
            `${counted(evidence.duplicateIds, 'row')} with the id of an earlier one`,
          ),
        ),
};

/** Can each answer be judged? */
export const unknownTruth: Check = {
  id: 'unknown-truth',
  risk: 'The truth of an item is neither TRUE nor FALSE, so its answer always counts as wrong',
  examine: ({ evidence }) =>
    evidence === undefined
      ? NOT_EXAMINED
      : findings(problem(evidence.otherTruth, `${counted(evidence.otherTruth, 'item')} with another truth`)),
};

/** Does one split know about another? */
export const leakage: Check = {
  id: 'leakage',
  risk: 'Items leak across splits',
  examine({ evidence }) {
    if (evidence === undefined || evidence.splitRows === 0) return NOT_EXAMINED;
    const { splits, splitRows, rows, itemsInSeveralSplits } = evidence;
    return findings(
      problem(
        itemsInSeveralSplits,
        `${counted(itemsInSeveralSplits, 'item')} in more than one of ${splits} splits`,
      ),
      note(rows - splitRows, `${rows - splitRows} of ${counted(rows, 'row')} without a split`),
    );
  },
};

/** Is every question asked once, with one truth? */
export const repeatedQuestions: Check = {
  id: 'repeated-questions',
  risk: 'One question is asked under several ids, or with contradictory truths',
  examine({ evidence }) {
    if (evidence === undefined) return NOT_EXAMINED;
    const { repeatedQuestions: repeated, contradictoryQuestions: contradictory } = evidence;
    return findings(
      problem(
        contradictory,
        `${counted(contradictory, 'row')} whose question has another truth elsewhere in the run`,
      ),
      note(repeated, `${counted(repeated, 'row')} whose question another id asks too`),
    );
  },
};

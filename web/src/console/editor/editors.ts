import type { Mark } from '../request.ts';
import type { UsedDrafts } from '../use-drafts.ts';

/** What the editors of every mode need. */
export interface EditorsProps extends Pick<UsedDrafts, 'draft' | 'edit'> {
  readonly run: () => void;
  readonly marks: readonly Mark[];
}

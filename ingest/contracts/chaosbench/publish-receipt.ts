import { z } from 'zod';
import { nonEmptyString } from '../scalars.ts';
import { zonedTime } from './scalars.ts';

/** `publish_receipt.json`: what a published directory was copied from. */
export const publishReceiptSchema = z.looseObject({
  published_utc: zonedTime,
  /** Absolute path on the machine that published. */
  source_run_dir: z.string(),
  run_id: nonEmptyString,
  artifacts_copied: z.array(z.string()),
  /** Names with the reason in parentheses, e.g. `summary.md (missing)`. */
  artifacts_skipped: z.array(z.string()),
  compress_predictions: z.boolean(),
});

export type PublishReceipt = z.infer<typeof publishReceiptSchema>;

import { publishNewestViews } from '../bi/views/publish.ts';
import { ViewPublisher } from '../bi/views/publisher.ts';
import { CancelledError } from '../lake/errors.ts';
import type { Lake } from '../lake/lake.ts';
import type { CallOptions } from '../lake/store/object-store.ts';
import { openLogger } from './log.ts';

const warned = (level: string) => (err: unknown) =>
  openLogger(level, process.stderr).warn({ err }, 'the views could not be published');

/** What publishes the views of a lake after commits. @param level the least level of log lines that are shown */
export function viewPublisher(lake: Lake, level: string): ViewPublisher {
  return new ViewPublisher(lake, warned(level));
}

/** Publishes the views of the newest state. That it fails is only worth a warning: nothing of the lake depends on it. */
export async function refreshViews(lake: Lake, options: CallOptions = {}): Promise<void> {
  try {
    await publishNewestViews(lake, options);
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    warned('warn')(error);
  }
}

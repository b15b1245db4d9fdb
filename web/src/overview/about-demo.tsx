import type { ReactNode } from 'react';
import type { NewestRun } from './queries.ts';

/** Whether a run is of the model that comes with Runlake, so that there is something to see. */
export function isOfDemo({ modelId }: NewestRun): boolean {
  return modelId === 'runlake/demo';
}

/** What has to be known of that model to make sense of what its runs show. */
export function AboutDemo(): ReactNode {
  return (
    <p>
      <strong>runlake/demo</strong> is a transformer of 1.9 million parameters that comes with Runlake. It was
      trained on 60 % of the facts that it is asked for here, so much of what it says about the rest is made
      up; and on word relations, which it picks up from the examples in a prompt.
    </p>
  );
}

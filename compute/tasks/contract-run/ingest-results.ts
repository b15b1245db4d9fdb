import { PermanentTaskError } from '../../jobs/worker.ts';
import type { TaskServices } from '../task.ts';

/** Ingests what a job wrote. @throws PermanentTaskError when a run is rejected, which would be a defect of the task */
export async function ingestResults(
  services: Pick<TaskServices, 'ingest'>,
  key: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { runs } = await services.ingest(key, { signal });
  const rejected = runs.find(({ status }) => status === 'rejected');
  if (rejected !== undefined) {
    const [issue] = rejected.issues.filter(({ severity }) => severity === 'error');
    throw new PermanentTaskError(
      'RUN_REJECTED',
      `${rejected.runId} was rejected: ${issue?.code ?? ''} ${issue?.file ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  return runs.map(({ runId }) => runId);
}

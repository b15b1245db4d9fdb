import type { JobPageOfList, JobRow } from './queries.ts';

/**
 * Pages of a list of jobs, the latest first, after some of them have changed: those that the list does not show any more are
 * gone, new ones are where their ids belong. What lies behind the last page that was fetched stays there.
 */
export function afterUpdates(
  pages: readonly JobPageOfList[],
  updates: readonly JobRow[],
  isShown: (job: JobRow) => boolean,
): JobPageOfList[] {
  return updates.reduce<JobPageOfList[]>((before, job) => afterUpdate(before, job, isShown(job)), [...pages]);
}

function afterUpdate(pages: readonly JobPageOfList[], job: JobRow, isShown: boolean): JobPageOfList[] {
  const without = pages.map((page) => ({ ...page, nodes: page.nodes.filter(({ id }) => id !== job.id) }));
  if (!isShown) return without;
  const at = without.findIndex(
    ({ pageInfo }) => !pageInfo.hasNextPage || (pageInfo.endCursor !== null && job.id >= pageInfo.endCursor),
  );
  return without.map((page, i) => {
    if (i !== at) return page;
    const later = page.nodes.filter(({ id }) => id > job.id);
    return { ...page, nodes: [...later, job, ...page.nodes.slice(later.length)] };
  });
}

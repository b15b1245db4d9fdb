/** The address of a run's page. Ids are paths. */
export function runAddress(id: string): string {
  return `/runs/${encodeURI(id)}`;
}

/** Most runs that are compared side by side. */
export const MOST_COMPARED = 8;

/** The address of a comparison; the others are compared with the first. */
export function compareAddress(runs: readonly string[]): string {
  return `/compare?${new URLSearchParams(runs.map((id) => ['run', id]))}`;
}

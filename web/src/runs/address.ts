/** The address of a run's page. Ids are paths. */
export function runAddress(id: string): string {
  return `/runs/${encodeURI(id).replace(/[?#]/g, encodeURIComponent)}`;
}

/** The id of a run from the part of an address below `/runs/`, of which the router has decoded all but `?` and `#`. */
export function runOfPath(path: string): string {
  return path.replace(/%(23|3F)/g, decodeURIComponent);
}

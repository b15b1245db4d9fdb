/** Kinds of jobs whose names in the API are abbreviations. */
const TITLES: Readonly<Record<string, string>> = {
  FV: 'Function vectors',
  CHAOS_EVAL: 'ChaosBench evaluation',
};

/** What people call a kind of job: Inference for `INFERENCE`. */
export function kindTitle(kind: string): string {
  const words = kind.toLowerCase().replaceAll('_', ' ');
  return TITLES[kind] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** The address of the form that launches a kind of job. */
export function launchAddress(kind: string): string {
  return `/launch/${kind.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
}

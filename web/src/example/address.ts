/** Which example a page is about, and the list that it is seen in. */
export interface ExamplePlace {
  readonly run: string;
  /** `exampleId`; the index of a sequence in entropy runs. */
  readonly example: string;
  /** The line of its source: tells rows of one example apart where a run has several. */
  readonly line?: number | null | undefined;
  /** Name of the list that it was opened from. */
  readonly list?: string | undefined;
  /** What the list is about, where that is a choice: a layer, a learning rate. */
  readonly of?: string | undefined;
  /** The layer at which its nearest neighbours are shown. */
  readonly near?: string | undefined;
  /** The state of the lake that is shown; the newest without it. */
  readonly snapshot?: string | undefined;
}

/** The address of an example's page. */
export function exampleAddress({ run, example, line, list, of, near, snapshot }: ExamplePlace): string {
  const address = new URLSearchParams({ run, example });
  if (line !== null && line !== undefined) address.set('line', String(line));
  if (list !== undefined) address.set('list', list);
  if (of !== undefined) address.set('of', of);
  if (near !== undefined) address.set('near', near);
  if (snapshot !== undefined) address.set('snapshot', snapshot);
  return `/examples?${address}`;
}

/** Reads the address of an example; undefined where it names none. */
export function examplePlaceOf(address: URLSearchParams): ExamplePlace | undefined {
  const [run, example] = [address.get('run'), address.get('example')];
  if (run === null || example === null) return undefined;
  const line = Number(address.get('line') ?? Number.NaN);
  return {
    run,
    example,
    line: Number.isInteger(line) ? line : undefined,
    list: address.get('list') ?? undefined,
    of: address.get('of') ?? undefined,
    near: address.get('near') ?? undefined,
    snapshot: address.get('snapshot') ?? undefined,
  };
}

/** The parameters of a run's page that show the list again; empty where the example came from none. */
export function listParameters({ list, of }: ExamplePlace, family: string): string {
  if (list === undefined) return '';
  const address = new URLSearchParams({ list });
  if (of !== undefined && family === 'ENTROPY') address.set('eta', of);
  if (of !== undefined && family === 'FV' && list !== 'trials') address.set('block', of);
  return `?${address}`;
}

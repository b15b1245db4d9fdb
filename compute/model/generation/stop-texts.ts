/** Where in a growing text the first stop text begins. */
export class StopTexts {
  readonly #stops: readonly string[];
  /** Longest of them; 0 when there are none. */
  readonly longest: number;
  #searched = 0;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  /** Looks at what has been added since the last call; to be asked whenever the text has grown. */
  find(text: string): number | undefined {
    const from = this.#searched;
    // A stop text may begin in what has been searched and end in what comes.
    this.#searched = Math.max(0, text.length - this.longest + 1);
    const found = this.#stops.map((stop) => text.indexOf(stop, from)).filter((at) => at >= 0);
    return found.length === 0 ? undefined : Math.min(...found);
  }
}

/** `chaos_eval` -> `ChaosEval`. */
export function pascal(kind: string): string {
  return kind.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Name of the mutation that launches a kind of job. */
export function launchField(kind: string): string {
  return `launch${pascal(kind)}`;
}

import { readFile } from 'node:fs/promises';
import { inCheckout } from './steps.ts';

/** Queries about the runs of the demo; each begins with a comment that says what it asks. */
export const TOUR = [
  'examples/closed-book/surest_hallucinations.graphql',
  'examples/closed-book/detectors.graphql',
  'examples/chaosbench/compare.graphql',
  'examples/function-vectors/layer_curve.graphql',
] as const;

/**
 * What there is to see when the demo is done.
 * @param needsToken whether the server at `url` asks for a token
 */
export async function tourText(url: string, needsToken: boolean): Promise<string> {
  const lines = [
    'the demo is in the lake: the model was trained on 60 % of the facts that it was asked for; see what it makes of the rest',
    '',
    `Four questions, for another terminal; or copy them from the files into the console at ${new URL('/console', url).href}`,
  ];
  if (needsToken) {
    lines.push(
      '(the server asks for a token: `npx runlake token create me` makes one, which the commands take from the variable RUNLAKE_TOKEN)',
    );
  }
  for (const path of TOUR) {
    const text = await readFile(inCheckout(path), 'utf8');
    const about = text.split('\n').filter((line) => line.startsWith('#'));
    lines.push('', ...about.map((line) => `  ${line}`), `  npx runlake query --url ${url} @${path}`);
  }
  lines.push(
    '',
    'examples/README.md says what was run, and how to run it by hand; `npx runlake jobs` lists the jobs.',
  );
  return lines.join('\n');
}

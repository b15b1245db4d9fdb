import type { Variables } from '../api/client.ts';
import type { ExamplePlace } from './address.ts';

const text = (value: string) => JSON.stringify(value);

/** A filter as it is written in a document. */
function literal(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${name}: ${literal(member)}`);
  return `{ ${members.join(', ')} }`;
}

/** The query that gives what the page of an example shows, complete in itself; `methods` leaves the predictions of all runs. */
export function exampleQuery(
  { run, example, snapshot }: ExamplePlace,
  family: string,
  methods: Variables,
): string {
  const asOf = snapshot === undefined ? '' : `, asOf: { snapshot: ${text(snapshot)} }`;
  const of = (column: string, value: string) =>
    `filter: { runId: { eq: ${text(run)} }, ${column}: { eq: ${value} } }`;
  if (family === 'ENTROPY') {
    return `{
  entropySequences(${of('sequence', example)}, orderBy: [{ field: ETA }]${asOf}) {
    nodes { eta weight hBase hNew trueContrib linear quad linquad }
  }
  entropyFeatures(${of('sequence', example)}${asOf}) {
    nodes { length gdotv vhvv meanLogp rbEntropyMean }
  }
}`;
  }
  const own = of('exampleId', text(example));
  const asked = `  generations(${own}${asOf}) {
    nodes {
      prompt response reference halu labelSource generationParams timing extra
      activations(first: 10000) { storeId site layer tokenSelector segment tokenIndex dtype dim norm }
      tokens(first: 4000) { segment tokenIndex tokenId logprob }
    }
  }`;
  if (family === 'FV') {
    return `{
${asked}
  fvInjectionTrials(${own}, orderBy: [{ field: LAYER }], first: 5000${asOf}) {
    nodes { layer vectorKind querySet pBase pWith deltaP accuracyBase accuracyWith }
  }
  fvTrials(${own}, orderBy: [{ field: LAYER }, { field: HEAD }], first: 10000${asOf}) {
    nodes { layer head pBase pPatch deltaP }
  }
}`;
  }
  return `{
${asked}
  # Every method, in whichever run
  predictions(filter: ${literal(methods)}, first: 100${asOf}) {
    nodes {
      runId method modelId seed scoreHalu labelHalu predHalu predLabel trueLabel outcome correct extra
    }
  }
}`;
}

/** The same question from Python, with requests. */
export function examplePython(query: string, origin: string): string {
  return `import requests

query = r"""
${query}
"""
answer = requests.post(
    ${text(`${origin}/graphql`)},
    json={"query": query},
    # headers={"authorization": "Bearer ..."},  # where the server asks for a token
)
answer.raise_for_status()
data = answer.json()["data"]
`;
}

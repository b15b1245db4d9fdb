import { z } from 'zod';

const number = z.number().nullable();
const string = z.string().nullable();

const injected = z.object({
  layer: z.number(),
  qId: string,
  vectorKind: string,
  querySet: string,
  pBase: number,
  pWith: number,
  deltaP: number,
  logprobBase: number,
  logprobWith: number,
  accuracyBase: number,
  accuracyWith: number,
});
export type InjectedTrial = z.infer<typeof injected>;

const patched = z.object({
  layer: z.number(),
  head: z.number(),
  qId: string,
  slotIdx: number,
  pBase: number,
  pPatch: number,
  deltaP: number,
  targetToken: string,
});
export type PatchedTrial = z.infer<typeof patched>;

/** What was measured on one example of a function-vector run. */
export const INJECTED = {
  query: `query ($run: String!, $example: String!, $asOf: AsOf) {
    fvInjectionTrials(filter: { runId: { eq: $run }, exampleId: { eq: $example } }, orderBy: [{ field: LAYER }], first: 5000, asOf: $asOf) {
      nodes { ${Object.keys(injected.shape).join(' ')} }
    }
    fvTrials(filter: { runId: { eq: $run }, exampleId: { eq: $example } }, orderBy: [{ field: LAYER }, { field: HEAD }], first: 10000, asOf: $asOf) {
      nodes { ${Object.keys(patched.shape).join(' ')} }
    }
  }`,
  schema: z.object({
    fvInjectionTrials: z.object({ nodes: z.array(injected) }),
    fvTrials: z.object({ nodes: z.array(patched) }),
  }),
};
export type InjectedAnswer = z.infer<typeof INJECTED.schema>;

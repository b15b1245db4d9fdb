import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { z } from 'zod';
import { ask, type Variables } from '../../api/client.ts';
import type { RecordedVector, Recording } from './norms.ts';

const NEIGHBOURS = 8;

const NEAREST = {
  query: `query ($to: ActivationTargetInput!, $layer: Int!, $site: String!, $selector: String!, $token: ActivationToken, $filter: ActivationFilter!, $asOf: AsOf) {
    nearestActivations(to: $to, layer: $layer, site: $site, tokenSelector: $selector, token: $token, filter: $filter, k: ${NEIGHBOURS}, asOf: $asOf) {
      n rows { activationKey value }
    }
  }`,
  schema: z.object({
    nearestActivations: z.object({
      n: z.number(),
      rows: z.array(z.object({ activationKey: z.string(), value: z.number().nullable() })),
    }),
  }),
};

const answer = z.object({
  runId: z.string(),
  exampleId: z.string(),
  sourceLine: z.number().nullable(),
  prompt: z.string().nullable(),
  response: z.string().nullable(),
  halu: z.boolean().nullable(),
});

/** The answers that vectors were recorded of; runs that share the store have the same. */
const ANSWERS = {
  query: `query ($filter: ActivationFilter!, $first: Int!, $asOf: AsOf) {
    activations(filter: $filter, first: $first, asOf: $asOf) {
      nodes { activationKey generations(first: 1) { runId exampleId sourceLine prompt response halu } }
    }
  }`,
  schema: z.object({
    activations: z.object({
      nodes: z.array(z.object({ activationKey: z.string(), generations: z.array(answer) })),
    }),
  }),
};

export interface NearAnswer {
  readonly key: string;
  readonly cosine: number | null;
  readonly answer: z.infer<typeof answer> | undefined;
}

export interface NearAnswers {
  /** Vectors that were compared. */
  readonly n: number;
  readonly rows: readonly NearAnswer[];
}

/** The vector of a layer that stands for an answer: what was pooled, else the last token, of the response where it was recorded. */
export function standsFor({ vectors }: Recording, layer: number): RecordedVector | undefined {
  const at = vectors.filter((vector) => vector.layer === layer);
  const response = at.filter(({ segment }) => segment === 'response');
  return (response.length > 0 ? response : at).reduce<RecordedVector | undefined>(
    (last, vector) => ((vector.tokenIndex ?? 0) >= (last?.tokenIndex ?? 0) ? vector : last),
    undefined,
  );
}

async function nearest(
  key: string,
  own: RecordedVector,
  asOf: Variables | undefined,
  signal: AbortSignal,
): Promise<NearAnswers> {
  const { storeId, layer, site, tokenSelector, segment, tokenIndex } = own;
  const filter = { storeId: { eq: storeId }, ...(segment !== null && { segment: { eq: segment } }) };
  const place = {
    storeId,
    activationKey: key,
    layer,
    site,
    tokenSelector,
    ...(segment !== null && { segment }),
    ...(tokenIndex !== null && { tokenIndex }),
  };
  const { nearestActivations: found } = await ask(
    NEAREST.query,
    NEAREST.schema,
    {
      to: { activation: place },
      layer,
      site,
      selector: tokenSelector,
      token: tokenSelector === 'all' ? 'LAST' : undefined,
      filter,
      asOf,
    },
    signal,
  );
  const keys = found.rows.map(({ activationKey }) => activationKey);
  const at = { layer: { eq: layer }, site: { eq: site }, tokenSelector: { eq: tokenSelector } };
  const { activations } = await ask(
    ANSWERS.query,
    ANSWERS.schema,
    { filter: { ...filter, ...at, activationKey: { in: keys } }, first: 10_000, asOf },
    signal,
  );
  const answers = new Map(
    activations.nodes.map(({ activationKey, generations: [first] }) => [activationKey, first]),
  );
  return {
    n: found.n,
    rows: found.rows.map(({ activationKey, value }) => ({
      key: activationKey,
      cosine: value,
      answer: answers.get(activationKey),
    })),
  };
}

/** The answers whose vectors are nearest to that of an answer, in the same store. */
export function useNearest(
  key: string,
  own: RecordedVector | undefined,
  asOf: Variables | undefined,
): UseQueryResult<NearAnswers | null> {
  return useQuery({
    queryKey: ['nearest', key, own, asOf],
    queryFn: ({ signal }) => (own === undefined ? null : nearest(key, own, asOf, signal)),
    placeholderData: keepPreviousData,
    enabled: own !== undefined,
  });
}

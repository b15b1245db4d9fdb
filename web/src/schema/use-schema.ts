import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
} from 'graphql';
import { z } from 'zod';
import { ask } from '../api/client.ts';

const QUERY = getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true });

/** What `buildClientSchema` looks at first; it checks the rest itself. */
const introspection = z.custom<IntrospectionQuery>(
  (data) => z.object({ __schema: z.object({ types: z.array(z.unknown()) }) }).safeParse(data).success,
);

/** The API as it describes itself: types, arguments, defaults and descriptions. @throws ApiError */
export async function fetchSchema(signal: AbortSignal): Promise<GraphQLSchema> {
  return buildClientSchema(await ask(QUERY, introspection, {}, signal));
}

/** The schema of the server, asked for once a visit. Pages that use it are lazy: `graphql` comes with it. */
export function useSchema(): UseQueryResult<GraphQLSchema> {
  return useQuery({
    queryKey: ['schema'],
    queryFn: ({ signal }) => fetchSchema(signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
}

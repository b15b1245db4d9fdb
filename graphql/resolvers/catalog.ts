import { Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { CatalogEntry } from '../types/catalog.ts';

@Resolver()
export class CatalogResolver {
  @Query(() => [CatalogEntry], {
    description: 'The tables and views that `sql` and exports can read, with their columns; tables first.',
  })
  catalog(@Ctx() { catalog = [] }: RequestContext): readonly CatalogEntry[] {
    return catalog;
  }
}

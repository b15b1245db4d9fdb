import { Arg, Query, Resolver } from 'type-graphql';
import { remedyOf } from '../../ingest/remedies.ts';
import { IssueRemedy } from '../types/issue-remedy.ts';

@Resolver()
export class IssueRemediesResolver {
  @Query(() => [IssueRemedy], {
    description: 'What to do about issues, a row for each code of which that is known, in the order asked.',
  })
  issueRemedies(
    @Arg('codes', () => [String], { description: 'Codes of issues.' }) codes: readonly string[],
  ): readonly IssueRemedy[] {
    return [...new Set(codes)].flatMap((code) => {
      const remedy = remedyOf(code);
      return remedy === undefined ? [] : [{ code, remedy }];
    });
  }
}

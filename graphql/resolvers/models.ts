import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { StoredVerdict } from '../../compute/model/verdicts.ts';
import type { RequestContext } from '../context.ts';
import { NotAvailableError } from '../errors.ts';
import { ModelVerdict } from '../types/model-verdict.ts';

@Resolver()
export class ModelsResolver {
  @Query(() => [ModelVerdict], {
    description: 'What self-checks said of the models that were registered or run (`runlake model check`).',
  })
  async models(
    @Arg('hash', () => ID, { nullable: true, description: 'Only of this model.' })
    hash: string | null | undefined,
    @Ctx() { models, signal }: RequestContext,
  ): Promise<ModelVerdict[]> {
    if (models === undefined) throw new NotAvailableError('this server knows no models');
    const verdicts = await models.verdicts({ signal });
    return verdicts.filter(({ modelHash }) => modelHash === (hash ?? modelHash)).map(verdictObject);
  }
}

function verdictObject({ taps, checks, ...verdict }: StoredVerdict): ModelVerdict {
  return {
    ...verdict,
    residualPoints: taps.residual,
    headLayers: taps.heads,
    checks: checks.map((check) => ({
      ...check,
      difference: Number.isFinite(check.difference) ? check.difference : null,
    })),
  };
}

import { z } from 'zod';
import type { ProbeDocument } from '../../compute/tasks/probe/probe-document.ts';
import type { TokenPick } from './activation-choice.ts';
import { columnOf, ENTITIES } from './entities.ts';
import type { Printer } from './sql.ts';

/** What the activations that a probe was trained on have in common. */
export type ProbePlace = Pick<ProbeDocument, 'site' | 'layer' | 'segment' | 'token'> & {
  readonly runId: string;
};

/**
 * Whether a row lies elsewhere, where the vectors mean something else to the probe. A row of the selector `all` is at the
 * probe's token when exactly that one is picked of every entry.
 */
export function printElsewhere(printer: Printer, place: ProbePlace, picked: TokenPick | undefined): string {
  const same = (name: string, value: string | number) =>
    `${name} IS NOT DISTINCT FROM ${printer.param(value, columnOf(ENTITIES.Activation, name))}`;
  const selected = same('token_selector', place.token);
  const token = picked === place.token ? `(${selected} OR ${same('token_selector', 'all')})` : selected;
  const here = [same('site', place.site), same('layer', place.layer), same('segment', place.segment), token];
  return `NOT (${here.join(' AND ')})`;
}

const placeSchema = z.object({
  site: z.string(),
  layer: z.number(),
  segment: z.string().nullable(),
  token: z.string(),
});

/** Says where an activation lies, for people. */
export function placeText(place: unknown): string {
  const { site, layer, segment, token } = placeSchema.parse(place);
  return `${site} of layer ${layer}, ${token} of ${segment ?? 'an unknown segment'}`;
}

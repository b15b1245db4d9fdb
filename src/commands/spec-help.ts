import { z } from 'zod';

/** What of a JSON schema the help shows. */
const schemaNode = z.looseObject({
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  get properties() {
    return z.record(z.string(), schemaNode).optional();
  },
  required: z.array(z.string()).optional(),
  get anyOf() {
    return z.array(schemaNode).optional();
  },
  get oneOf() {
    return z.array(schemaNode).optional();
  },
});
type SchemaNode = z.infer<typeof schemaNode>;

/** The members of a specification, a line each: name, what it is for, default or whether it has to be there. */
export function specHelp(schema: z.ZodType): string {
  const json: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return [...new Set(lines(schemaNode.parse(json), ''))].join('\n');
}

function lines(node: SchemaNode, prefix: string): string[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([name, member]) => {
    const place = `${prefix}${name}`;
    const text = [
      member.description,
      ...(member.enum === undefined ? [] : [`One of ${member.enum.join(', ')}.`]),
      ...(member.default === undefined || typeof member.default === 'object'
        ? []
        : [`Default: ${JSON.stringify(member.default)}.`]),
      ...(node.required?.includes(name) && member.default === undefined ? ['Required.'] : []),
    ];
    return [
      `  ${place.padEnd(24)} ${text.filter(Boolean).join(' ')}`.trimEnd(),
      ...lines(member, `${place}.`),
    ];
  });
  const alternatives = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  return [...own, ...alternatives.flatMap((one) => lines(one, prefix))];
}

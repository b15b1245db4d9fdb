import { z } from 'zod';
import type { Column, ColumnType, TableSpec } from '../tables/schema.ts';
import type { Metadata } from './actions.ts';
import { CorruptLogError, SchemaMismatchError, UnsupportedTableError } from './errors.ts';

type DeltaType =
  | string
  | { readonly type: 'array'; readonly elementType: string; readonly containsNull: false };

function list(elementType: string): DeltaType {
  return { type: 'array', elementType, containsNull: false };
}

/** `type` of a field in Delta's schema JSON; `json` is told from `string` by field metadata. */
const TYPES: Readonly<Record<ColumnType, DeltaType>> = {
  string: 'string',
  json: 'string',
  long: 'long',
  integer: 'integer',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp',
  date: 'date',
  'float[]': list('float'),
  'string[]': list('string'),
  'long[]': list('long'),
};

const COMMENT = 'comment';
const RUNLAKE_TYPE = 'runlake.type';

/** Delta's schema JSON of the columns. */
export function toSchemaString(columns: readonly Column[]): string {
  return JSON.stringify({
    type: 'struct',
    fields: columns.map((column) => ({
      name: column.name,
      type: TYPES[column.type],
      nullable: column.nullable ?? true,
      metadata: {
        ...(column.doc === '' ? {} : { [COMMENT]: column.doc }),
        ...(column.type === 'json' ? { [RUNLAKE_TYPE]: 'json' } : {}),
      },
    })),
  });
}

const schemaStringSchema = z.looseObject({
  type: z.literal('struct'),
  fields: z.array(
    z.looseObject({
      name: z.string(),
      type: z.unknown(),
      nullable: z.boolean(),
      metadata: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

function isColumnType(name: string): name is ColumnType {
  return name in TYPES;
}

const arraySchema = z.looseObject({ type: z.literal('array'), elementType: z.string() });

function columnType(type: unknown, isJson: boolean): ColumnType | undefined {
  if (isJson && type === 'string') return 'json';
  const array = arraySchema.safeParse(type).data;
  return Object.keys(TYPES)
    .filter(isColumnType)
    .find((candidate) => {
      const delta = TYPES[candidate];
      if (candidate === 'json') return false;
      return typeof delta === 'string' ? delta === type : delta.elementType === array?.elementType;
    });
}

/**
 * The columns that Delta's schema JSON describes.
 * @throws UnsupportedTableError for a type that no column type stands for
 * @throws CorruptLogError when the text is no schema
 */
export function parseSchemaString(schemaString: string): Column[] {
  let json: unknown;
  try {
    json = JSON.parse(schemaString);
  } catch (cause) {
    throw new CorruptLogError('metaData.schemaString is no JSON text', { cause });
  }
  const parsed = schemaStringSchema.safeParse(json);
  if (!parsed.success) {
    throw new CorruptLogError(`metaData.schemaString is no schema: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data.fields.map((field) => {
    const type = columnType(field.type, field.metadata?.[RUNLAKE_TYPE] === 'json');
    if (type === undefined) {
      throw new UnsupportedTableError(`column ${field.name} has type ${JSON.stringify(field.type)}`, {
        expected: Object.keys(TYPES).join(', '),
      });
    }
    const comment = field.metadata?.[COMMENT];
    return {
      name: field.name,
      type,
      nullable: field.nullable,
      doc: typeof comment === 'string' ? comment : '',
    };
  });
}

const LAYOUT = 'runlake.layout';
const layoutSchema = z.object({
  sortBy: z.array(z.string()),
  rowGroupSize: z.int().positive(),
  byteStreamSplit: z.array(z.string()).optional(),
});
const DEFAULT_LAYOUT = { sortBy: [], rowGroupSize: 122_880 };

/** The table properties that keep what Delta's schema has no place for: sort order, row group size, encodings. */
export function layoutConfiguration(spec: TableSpec): Record<string, string> {
  const { sortBy, rowGroupSize, byteStreamSplit } = spec;
  return { [LAYOUT]: JSON.stringify({ sortBy, rowGroupSize, byteStreamSplit }) };
}

/** The specification that a table's metadata describes; tables of other writers get a default layout. */
export function specOf(metadata: Metadata): TableSpec {
  const text = metadata.configuration?.[LAYOUT];
  let layout: z.infer<typeof layoutSchema> = DEFAULT_LAYOUT;
  if (text !== undefined) {
    try {
      layout = layoutSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new CorruptLogError(`table property ${LAYOUT} is invalid`, { cause });
    }
  }
  return {
    name: metadata.name ?? '',
    doc: metadata.description ?? '',
    columns: parseSchemaString(metadata.schemaString),
    ...layout,
  };
}

/**
 * The table's columns extended by those columns of `wanted` that it lacks; undefined when it lacks none.
 * Columns that only the table has stay (an older program writes nulls there).
 * @throws SchemaMismatchError when a type differs or a new column is not nullable
 */
export function evolvedColumns(current: readonly Column[], wanted: readonly Column[]): Column[] | undefined {
  const added: Column[] = [];
  for (const column of wanted) {
    const existing = current.find((candidate) => candidate.name === column.name);
    if (!existing) {
      if (column.nullable === false) {
        throw new SchemaMismatchError(`column ${column.name} cannot be added as required`, {
          expected: 'a nullable column: files written before have no values for it',
        });
      }
      added.push(column);
    } else if (existing.type !== column.type) {
      throw new SchemaMismatchError(
        `column ${column.name} is ${existing.type} in the table but ${column.type} is wanted`,
        { remedy: 'add a column with another name' },
      );
    }
  }
  return added.length === 0 ? undefined : [...current, ...added];
}

import type { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../contracts/json-value.ts';
import { readJsonRecords } from '../../run-files/records.ts';
import type { FvRole } from './layout.ts';
import type { FvRun } from './run.ts';
import { validated } from './validated.ts';

interface ValidRecord<S extends z.ZodType> {
  readonly data: z.output<S>;
  readonly value: JsonObject;
  readonly line: number;
}

/** The lines of a role's first file that are as they should be; the others are issues. */
export async function* recordsOf<S extends z.ZodType>(
  run: FvRun,
  { role, schema }: { readonly role: FvRole; readonly schema: S },
): AsyncGenerator<{ readonly file: string; readonly records: ValidRecord<S>[] }> {
  const file = run.layout.first(role);
  const object = file === undefined ? undefined : run.files.get(file);
  if (file === undefined || object === undefined) return;
  for await (const lines of readJsonRecords(run.context, object, file, run.log)) {
    const records = lines.flatMap(({ value, line, damaged }) => {
      if (damaged) return [];
      const data = validated(schema, value, { file, line }, (issue) => run.log.record(issue));
      return data === undefined || !isJsonObject(value) ? [] : [{ data, value, line }];
    });
    yield { file, records };
  }
}

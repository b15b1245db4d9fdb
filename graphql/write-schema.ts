import { writeFile } from 'node:fs/promises';
import { createSchema } from './schema.ts';
import { SCHEMA_FILE, schemaText } from './schema-file.ts';

// `npm run schema`, in the root of a checkout.
await writeFile(SCHEMA_FILE, schemaText(await createSchema()));

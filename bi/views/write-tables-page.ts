import { writeFile } from 'node:fs/promises';
import { TABLES_PAGE, tablesPage } from './tables-page.ts';

// `npm run tables`, in the root of a checkout.
await writeFile(TABLES_PAGE, tablesPage());

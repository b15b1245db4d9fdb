import { expect, it } from 'vitest';
import { TOUR, tourText } from './tour.ts';

it('tells how to ask every question, and where the token goes on a server that wants one', async () => {
  const url = 'http://127.0.0.1:4000/graphql';
  const open = await tourText(url, false);
  for (const path of TOUR) expect(open).toContain(`npx runlake query --url ${url} @${path}`);
  expect(open).not.toContain('token');
  expect(await tourText(url, true)).toContain('RUNLAKE_TOKEN');
});

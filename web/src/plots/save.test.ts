import { expect, it } from 'vitest';
import { csvOf } from './save.ts';

it('writes CSV that keeps commas, quotes and line ends', () => {
  expect(
    csvOf([
      { a: 'x,"y"\n', b: 0.1 },
      { a: null, c: true },
    ]),
  ).toBe('a,b,c\r\n"x,""y""\n",0.1,\r\n,,true\r\n');
});

import { describe, expect, it } from 'vitest';
import { exampleAddress, examplePlaceOf, listParameters } from './address.ts';

describe('addresses', () => {
  it('say all that a page shows, and come back from it', () => {
    const place = {
      run: 'main/chaosbench/a b/x:8b',
      example: 'Q3/trial/0 & more',
      line: 12,
      list: 'least',
      of: '8',
      near: '4',
      snapshot: 'eyJ2',
    };
    const address = new URL(exampleAddress(place), 'http://localhost');
    expect(address.pathname).toBe('/examples');
    expect(examplePlaceOf(address.searchParams)).toEqual(place);
  });

  it('need a run and an example only', () => {
    expect(examplePlaceOf(new URLSearchParams('run=r&example=e&line=x'))).toEqual({ run: 'r', example: 'e' });
    expect(examplePlaceOf(new URLSearchParams('run=r'))).toBeUndefined();
  });

  it('lead back to the list', () => {
    const place = { run: 'r', example: 'e', list: 'least', of: '8' };
    expect(listParameters(place, 'FV')).toBe('?list=least&block=8');
    expect(listParameters({ ...place, list: 'error', of: '1e-6' }, 'ENTROPY')).toBe('?list=error&eta=1e-6');
    expect(listParameters({ run: 'r', example: 'e' }, 'FV')).toBe('');
  });
});

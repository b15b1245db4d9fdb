import { describe, expect, it } from 'vitest';
import { attemptsOf } from './attempts.ts';

describe('attempts', () => {
  const meta = { parse_reason: 'final line token', parse_confidence: 0.9 };

  it('are one where the first answer was readable', () => {
    expect(attemptsOf({ response: 'TRUE', outcome: 'VALID_TRUE', extra: { meta } })).toEqual([
      { text: 'TRUE', outcome: 'VALID_TRUE', reason: 'final line token', confidence: 0.9 },
    ]);
  });

  it('are two where the second was unreadable too', () => {
    const extra = { meta, retry_outcome: 'INVALID', retry_pred_text: 'hm' };
    expect(attemptsOf({ response: '', outcome: 'INVALID', extra })).toMatchObject([
      { text: '', outcome: 'INVALID' },
      { text: 'hm', outcome: 'INVALID' },
    ]);
  });

  it('have lost the first text where the second was read', () => {
    const extra = { meta, retry_outcome: 'VALID_FALSE', retry_pred_text: 'FALSE' };
    expect(attemptsOf({ response: 'FALSE', outcome: 'VALID_FALSE', extra })).toMatchObject([
      { text: undefined, outcome: 'INVALID' },
      { text: 'FALSE', outcome: 'VALID_FALSE', confidence: 0.9 },
    ]);
  });

  it('bear records of any shape', () => {
    for (const extra of [null, 'text', { meta: 3 }, { retry_outcome: 1 }]) {
      expect(attemptsOf({ response: 'x', outcome: null, extra })).toEqual([
        { text: 'x', outcome: null, reason: undefined, confidence: undefined },
      ]);
    }
  });
});

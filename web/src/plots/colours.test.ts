import { expect, it } from 'vitest';
import { BLUE, GREEN, GREY, PURPLE, VERMILION } from './colours.ts';

/** Relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((i) => {
    const share = Number.parseInt(colour.slice(i, i + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

it.each([BLUE, VERMILION, GREEN, PURPLE, GREY])('%s stands out from the ground of both themes', (colour) => {
  for (const ground of ['#ffffff', '#14191c']) expect(contrast(colour, ground)).toBeGreaterThan(3);
});

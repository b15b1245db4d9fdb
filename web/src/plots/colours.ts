/**
 * Colours of marks. They come from the palette of Okabe and Ito (2008), which the colour-blind tell apart, and stand out
 * from a white and from a dark ground alike, so that a drawing that is taken away reads on either. Marks differ in shape,
 * dash or place as well, never in colour alone.
 */
export const BLUE = '#0072b2';
export const VERMILION = '#d55e00';
export const GREEN = '#009e73';
export const PURPLE = '#b0609a';
export const GREY = '#7a8891';

/** Of effects in both directions: blue below, white at nothing, red above. */
export const DIVERGING = { scheme: 'RdBu', reverse: true } as const;

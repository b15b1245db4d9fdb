import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import { sfntOfWoff } from './woff.ts';

/** Pixels a unit of the drawing: sharp on dense screens and in print. */
const ZOOM = 2;
const FONT = 'DejaVu Sans';

let fonts: Promise<Uint8Array[]> | undefined;

/** A drawing as a PNG picture. The font comes with the program, so that the bytes are the same on every machine. */
export async function png(svg: string): Promise<Uint8Array> {
  fonts ??= prepare();
  const resvg = new Resvg(svg, {
    font: { fontBuffers: await fonts, defaultFontFamily: FONT, sansSerifFamily: FONT },
    fitTo: { mode: 'zoom', value: ZOOM },
  });
  const image = resvg.render();
  try {
    return image.asPng();
  } finally {
    // Both hold memory that no garbage collector sees.
    image.free();
    resvg.free();
  }
}

/** Makes the renderer ready, which can be done once in a process, and reads the fonts. */
async function prepare(): Promise<Uint8Array[]> {
  const { resolve } = createRequire(import.meta.url);
  await initWasm(await readFile(resolve('@resvg/resvg-wasm/index_bg.wasm')));
  const weights = [400, 700].map(async (weight) =>
    sfntOfWoff(
      await readFile(resolve(`@fontsource/dejavu-sans/files/dejavu-sans-latin-${weight}-normal.woff`)),
    ),
  );
  return Promise.all(weights);
}

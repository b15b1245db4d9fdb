import { sharedDir } from './shared.ts';

export default function setup(): void {
  if (sharedDir === undefined) {
    console.warn('notice: no ../shared folder, so the tests against recorded artifacts are skipped');
  }
}

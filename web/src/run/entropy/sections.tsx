import type { RunSection } from '../section.ts';
import { EntropyPoints } from './entropy-points.tsx';

export const ENTROPY_SECTIONS: readonly RunSection[] = [
  {
    id: 'change',
    title: 'Change of entropy',
    shown: () => true,
    Body: ({ run: { id } }) => <EntropyPoints id={id} />,
  },
];

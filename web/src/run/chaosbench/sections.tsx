import type { RunSection } from '../section.ts';
import { FamilyAccuracy, FamilyLeaning } from './family-plots.tsx';

export const CHAOSBENCH_SECTIONS: readonly RunSection[] = [
  {
    id: 'families',
    title: 'Families',
    shown: () => true,
    Body: ({ run: { id } }) => (
      <div className="columns">
        <FamilyAccuracy id={id} />
        <FamilyLeaning id={id} />
      </div>
    ),
  },
];

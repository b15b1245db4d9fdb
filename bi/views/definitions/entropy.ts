import { ENTROPY_POINTS, ENTROPY_UPDATES } from '../../../lake/tables/entropy.ts';
import { RUNS } from '../../../lake/tables/tables.ts';
import { computed, from, view } from '../view.ts';
import { runColumns } from './runs.ts';

export const ENTROPY_ETAS = view({
  name: 'entropy_etas',
  description:
    'One row a learning rate of an entropy run: the true change of entropy, what the derivatives predict, and how far off they are.',
  tables: [RUNS, ENTROPY_POINTS, ENTROPY_UPDATES],
  columns: [
    ...runColumns(),
    ...['eta', 'normalization', 'delta_h_true', 'linear', 'linquad', 'linquad_nested'].map((name) =>
      from('p', ENTROPY_POINTS, name),
    ),
    computed('linear_error', 'DOUBLE', 'p.linear - p.delta_h_true', 'linear - delta_h_true.'),
    computed('linquad_error', 'DOUBLE', 'p.linquad - p.delta_h_true', 'linquad - delta_h_true.'),
    ...['base_entropy', 'ess', 'clip_fraction', 'n_sequences', 'n_tokens'].map((name) =>
      from('p', ENTROPY_POINTS, name),
    ),
    ...['delta_h_per_lr', 'vhvv', 'eta_star', 'b_e', 'b_u', 'estimator', 'method', 'vec_norm'].map((name) =>
      from('u', ENTROPY_UPDATES, name, {
        optional: true,
        ...(name === 'method' ? { as: 'linear_method' } : {}),
      }),
    ),
  ],
  from: `FROM entropy_points p JOIN runs r ON r.run_id = p.run_id
    LEFT JOIN entropy_updates u ON u.run_id = p.run_id`,
});

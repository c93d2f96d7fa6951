import type { View } from '../define/index.ts';
import { contractError } from './errors.ts';
import { servedViewExtension } from './read-budget.ts';
import { registryOf } from './registry.ts';
import type { EntityRef, FreshetFieldOptions, FreshetTypes } from './types.ts';
import { viewType } from './view-type.ts';

/** `riskProfile: UserRiskProfile` on the type of an entity. */
export function featureViewField(
  t: PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, EntityRef>,
  view: View,
  options: FreshetFieldOptions = {},
) {
  return t.field({
    description: `${view.description} Null only beside an error at its path.`,
    ...options,
    type: registryOf(t.builder).generated(viewType, view),
    nullable: true,
    extensions: { [servedViewExtension]: view },
    resolve: (entity, _, { loaders, budget }) => {
      budget.take();
      const known = entity.vectors?.get(view);
      if (known) return known;
      if (entity.unavailable !== undefined) throw contractError('UNAVAILABLE', entity.unavailable);
      return loaders.load(view, entity.id);
    },
  });
}

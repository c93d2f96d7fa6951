import type { View } from '../define/index.ts';
import { clientError } from './errors.ts';
import { servedViewExtension } from './operation-size.ts';
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
      const failure = entity.failures?.get(view);
      if (failure) throw clientError(failure);
      return loaders.load(view, entity.id);
    },
  });
}

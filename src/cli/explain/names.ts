import { type DerivedFeature, snakeCase, type View } from '../../define/index.ts';

/** What of a view is to be explained: one stored feature by its position, one that is derived, or all (null). */
export interface Asked {
  readonly view: View;
  readonly feature: number | DerivedFeature | null;
}

/** A name that no definition has; the message lists those that there are. */
export class UnknownNameError extends Error {
  override readonly name = 'UnknownNameError';
  readonly code = 'NAME_UNKNOWN';
}

/**
 * Finds what is meant by the names of an entity's type, in whatever case, and of a feature, as in GraphQL or as in the hash.
 * A feature that several views of the entity have is asked of each.
 * @throws UnknownNameError
 */
export function findAsked(views: readonly View[], entity: string, feature?: string): Asked[] {
  const ofEntity = views.filter((view) => plain(view.entity.name) === plain(entity));
  if (ofEntity.length === 0) {
    const names = [...new Set(views.map((view) => view.entity.name.toLowerCase()))];
    throw new UnknownNameError(`There is no entity type ${JSON.stringify(entity)}. There are: ${names.join(', ')}.`);
  }
  if (feature === undefined) return ofEntity.map((view) => ({ view, feature: null }));
  const found = ofEntity.flatMap((view): Asked[] => {
    const position = view.features.findIndex(({ name, hashField }) => name === feature || hashField === feature);
    if (position >= 0) return [{ view, feature: position }];
    const derived = view.derived.find(({ name }) => name === feature || snakeCase(name) === feature);
    return derived ? [{ view, feature: derived }] : [];
  });
  if (found.length > 0) return found;
  throw new UnknownNameError(
    [
      `A ${ofEntity[0]?.entity.name} has no feature ${JSON.stringify(feature)}. There are:`,
      ...ofEntity.flatMap((view) => [
        `  of ${view.name} v${view.version}`,
        ...[...view.features, ...view.derived].map(({ name }) => `    ${name}`),
      ]),
    ].join('\n'),
  );
}

/** A type's name without what sets apart its words. */
function plain(name: string): string {
  return name.replace(/[_-]/g, '').toLowerCase();
}

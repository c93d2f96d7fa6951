import { derivedSignature, featureSignature, type View } from '../define/index.ts';

/** What is committed of the definitions: for each view and version, each feature's signature. */
export type Definitions = { readonly [viewAndVersion: string]: { readonly [feature: string]: string } };

/** The signatures of these views as they are now. */
export function definitionsOf(views: readonly View[]): Definitions {
  return Object.fromEntries(
    views.map((view) => [
      entryOf(view),
      Object.fromEntries([
        ...view.features.map((feature) => [feature.name, featureSignature(view, feature)]),
        ...view.derived.map((derived) => [derived.name, derivedSignature(derived)]),
      ]),
    ]),
  );
}

/**
 * Why the committed definitions may not give way to the present ones: within a version, features may only be added.
 * Each line names view and feature and says what to do. A version may go when another has come.
 */
export function definitionConflicts(committed: Definitions, views: readonly View[]): string[] {
  const current = definitionsOf(views);
  const served = new Set(views.map(({ name }) => name));
  return Object.entries(committed).flatMap(([entry, features]) => {
    const now = current[entry];
    const name = entry.slice(0, entry.lastIndexOf(' v'));
    if (!now) {
      return served.has(name)
        ? []
        : [`view ${entry}: is no longer defined; list it again, or delete its entry by hand`];
    }
    return Object.entries(features).flatMap(([feature, was]) => {
      const is = now[feature];
      if (is === was) return [];
      const change = is === undefined ? `«${was}» is no longer defined` : `was «${was}» and is now «${is}»`;
      return [
        `view ${entry}, feature ${feature}: ${change}; give it another name, give the view a new version, or, if nobody relies on it, delete its entry by hand`,
      ];
    });
  });
}

/** Definitions as they are committed. */
export function definitionsText(definitions: Definitions): string {
  return `${JSON.stringify(definitions, null, 2)}\n`;
}

function entryOf(view: View): string {
  return `${view.name} v${view.version}`;
}

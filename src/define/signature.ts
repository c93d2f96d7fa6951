import type { DerivedFeature } from './derived.ts';
import type { Feature, View } from './view.ts';
import { canonicalWhere } from './where.ts';

/**
 * What a stored feature means, as text that is compared with what a store was filled by: two definitions mean the same
 * if and only if their signatures are equal. It leaves out the name and the description; lengths are in milliseconds.
 */
export function featureSignature(view: View, feature: Feature): string {
  const { kind, field, n, window, where } = feature.aggregation;
  const { name, id, time } = view.event;
  const reach =
    window.kind === 'lifetime' ? `idle=${window.idleMs}` : `window=${window.lengthMs} delay=${window.delayMs}`;
  return [
    `${kind}(${[field, n].filter((part) => part !== undefined).join(', ')})`,
    reach,
    where && `where=${canonicalWhere(where)}`,
    `of=${name}.${view.by}`,
    `id=${id}`,
    `time=${time}`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** What a derived feature means: the features of its ratio, or the source of its derivation, whatever its line breaks. */
export function derivedSignature({ ratio, compute }: DerivedFeature): string {
  return ratio ? `ratio(${ratio.join(', ')})` : `derived ${String(compute).replace(/\s+/g, ' ')}`;
}

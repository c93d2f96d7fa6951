import type { Feature, View } from './view.ts';
import { canonicalWhere } from './where.ts';

/**
 * What a stored feature means, as text that is compared with what a store was filled by: two definitions mean the same
 * if and only if their signatures are equal. It leaves out the name and the description; lengths are in milliseconds.
 */
export function featureSignature(view: View, feature: Feature): string {
  const { kind, field, window, where } = feature.aggregation;
  const { name, id, time } = view.event;
  const reach =
    window.kind === 'lifetime' ? `idle=${window.idleMs}` : `window=${window.lengthMs} delay=${window.delayMs}`;
  return [
    `${kind}(${field ?? ''})`,
    reach,
    where && `where=${canonicalWhere(where)}`,
    `of=${name}.${view.by}`,
    `id=${id}`,
    `time=${time}`,
  ]
    .filter(Boolean)
    .join(' ');
}

import { describeWindow } from './describe.ts';
import type { Feature, View } from './view.ts';
import { describeWhere } from './where.ts';

/**
 * What a stored feature means, as stable text: two definitions mean the same if and only if their signatures are equal.
 * It leaves out the name and the description.
 */
export function featureSignature(view: View, feature: Feature): string {
  const { kind, field, where } = feature.aggregation;
  const filter = where ? ` where ${describeWhere(where)}` : '';
  return `${kind}(${field ?? ''}) over ${describeWindow(feature.aggregation)}${filter} of ${view.event.name} by ${view.by}`;
}

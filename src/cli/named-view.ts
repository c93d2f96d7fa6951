import type { View } from '../define/index.ts';
import { UsageError } from './usage-error.ts';

/**
 * Finds a view by its name and version, such as `user_risk_profile@2`.
 * @throws UsageError that lists those that there are
 */
export function namedView(views: readonly View[], option: string, text: string): View {
  const found = views.find((view) => text === nameOf(view));
  if (found) return found;
  throw new UsageError(`${option} ${text}: no such view is listed here. There are: ${views.map(nameOf).join(', ')}`);
}

function nameOf({ name, version }: View): string {
  return `${name}@${version}`;
}

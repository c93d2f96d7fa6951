import type { EventInput } from './outcome.ts';
import type { Plan } from './plan.ts';
import type { RowVerdict } from './reply.ts';

/** Says in what a repeated event differs from the one recorded, or that this was retracted; null when there is nothing to tell. */
export function duplicateReason(plan: Plan, input: EventInput, verdict: RowVerdict): string | null {
  const id = String(input[plan.view.event.id]);
  if (verdict.wasRetracted) return `${id} was recorded before and retracted; its id is not used again`;
  const fields = new Set<string>();
  if (verdict.timeDiffers) fields.add(plan.view.event.time);
  for (const [i, column] of plan.columns.entries()) if (verdict.columnsThatDiffer & (1 << i)) fields.add(column);
  const differing = plan.flags.filter((_, i) => verdict.flagsThatDiffer & (1 << i));
  for (const flag of differing) if (flag.test !== 'where') fields.add(flag.field);
  // A filter that decides otherwise says only that one of its fields changed: worth telling if nothing else explains it.
  const unexplained = differing.flatMap((flag) => (flag.test === 'where' ? [Object.keys(flag.where)] : []));
  for (const names of unexplained) {
    if (!names.some((name) => fields.has(name))) for (const name of names) fields.add(name);
  }
  if (fields.size === 0) return null;
  return `${id} was recorded before with another ${[...fields].join(', ')}; the first stands`;
}

import type { Caller } from '../access/index.ts';
import type { View } from '../define/index.ts';
import { type EventInput, invalidIdReason } from '../engine/index.ts';

/**
 * Why an event is not this caller's to write, in words that name the entity; null if every view that it feeds may be written for the
 * entity that it names. An id that breaks a rule is left to whoever says so.
 */
export function foreignReason(caller: Caller, views: readonly View[], input: EventInput): string | null {
  if (caller.grants.allowsAll('events:write')) return null;
  for (const view of views) {
    const id = input[view.by];
    if (typeof id !== 'string' || invalidIdReason(id) !== null) continue;
    if (!caller.grants.allows('events:write', view, id)) {
      return `${view.by}: ${view.name} of ${view.entity.name} ${JSON.stringify(id)} is not this caller's to write`;
    }
  }
  return null;
}

/** What became of an event, or of a correction, that is not the caller's. */
export function rejected(reason: string) {
  return { status: 'REJECTED', reason, occurredAt: null, vectors: new Map(), views: [] } as const;
}

import type { Caller } from '../access/index.ts';
import type { View } from '../define/index.ts';
import { type EventInput, invalidIdReason } from '../engine/index.ts';

/** What may be done with the vectors that an event changes. */
type EventAction = 'events:write' | 'features:read';

const verbs: { readonly [A in EventAction]: string } = { 'events:write': 'write', 'features:read': 'read' };

/**
 * Why an event is not this caller's to write, in words that name the entity; null if every view that it feeds may be written for the
 * entity that it names. An id that breaks a rule is left to whoever says so.
 */
export function foreignReason(caller: Caller, views: readonly View[], input: EventInput): string | null {
  if (caller.grants.allowsAll('events:write')) return null;
  const foreign = views.find((view) => isForeign(caller, 'events:write', view, input));
  return foreign ? reasonOf('events:write', foreign, input) : null;
}

/** What a caller may be told of what would become of an event. */
export interface OwnPreview {
  /** The views that may be asked: those that are the caller's to read for the entity that the event names. */
  readonly own: readonly View[];
  /** Why nothing is told at all: none is the caller's. */
  readonly refused: string | null;
}

/** What of a preview is this caller's to read. Here, too, an id that breaks a rule is left to whoever says so. */
export function ownPreview(caller: Caller, views: readonly View[], input: EventInput): OwnPreview {
  const own = views.filter((view) => !isForeign(caller, 'features:read', view, input));
  const [first] = views;
  return { own, refused: first && own.length === 0 ? reasonOf('features:read', first, input) : null };
}

function isForeign({ grants }: Caller, action: EventAction, view: View, input: EventInput): boolean {
  const id = input[view.by];
  return typeof id === 'string' && invalidIdReason(id) === null && !grants.allows(action, view, id);
}

function reasonOf(action: EventAction, { by, name, entity }: View, input: EventInput): string {
  return `${by}: ${name} of ${entity.name} ${JSON.stringify(input[by])} is not this caller's to ${verbs[action]}`;
}

/** What became of an event, or of a correction, that is not the caller's. */
export function rejected(reason: string) {
  return { status: 'REJECTED', reason, occurredAt: null, vectors: new Map(), views: [] } as const;
}

import type { Entity } from '../define/index.ts';
import { invalidIdError } from './admission.ts';
import type { LogStore } from './log-store.ts';
import { UnavailableError } from './outcome.ts';

/** What became of a wish to forget an entity. */
export type ForgetStatus = 'FORGOTTEN' | 'REJECTED' | 'UNAVAILABLE';

/** What was removed of an entity. */
export interface ForgetReceipt {
  readonly entity: Entity;
  readonly id: string;
  readonly status: ForgetStatus;
  /** Why it was not done. */
  readonly reason: string | null;
  /** How many keys were removed; 0 if nothing was stored. */
  readonly keys: number;
  /** How much memory they took. */
  readonly bytes: number;
}

/** Removes every key of an entity, in all of its views at once: those that are served, and those that ever were. */
export async function forget(store: LogStore, entity: Entity, id: string): Promise<ForgetReceipt> {
  const nothing = { entity, id, keys: 0, bytes: 0 };
  const invalid = invalidIdError(entity, id);
  if (invalid) return { ...nothing, status: 'REJECTED', reason: invalid.message };
  try {
    return { ...nothing, status: 'FORGOTTEN', reason: null, ...(await store.forget(entity, id)) };
  } catch (error) {
    if (error instanceof UnavailableError) return { ...nothing, status: 'UNAVAILABLE', reason: error.message };
    throw error;
  }
}

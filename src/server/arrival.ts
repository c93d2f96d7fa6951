import type { IncomingMessage } from 'node:http';
import { AuthenticationError, type Caller } from '../access/index.ts';
import type { Entrance } from './entrance.ts';
import type { Guard } from './guard/guard.ts';
import type { Looks } from './rates/looks.ts';

/** Who asks, or why nobody can tell; null: that is yet to be found out. */
export type Found = Caller | AuthenticationError | null;

/** What came of counting a request. */
export interface Arrival {
  /** 0, or after how many milliseconds it may come again. */
  readonly waitMs: number;
  readonly found: Found;
}

/** A request that is to be counted. */
export interface Arriving {
  readonly entrance: Entrance;
  readonly guard: Guard;
  /** As in the header: what is to say who asks. */
  readonly authorization: string | undefined;
  readonly request: IncomingMessage;
}

/**
 * Counts a request by whoever has said who they are, and by its address where nobody has. A token of which only its signature can tell is
 * looked at before: whoever it is of is not to pay for strangers at the same address, nor they for it.
 */
export function arrive(arriving: Arriving): Arrival | Promise<Arrival> {
  const { entrance, guard, authorization, request } = arriving;
  const found = entrance.recognise(authorization);
  // Nobody but its holder has a token that was good once: it is theirs to pay for another look.
  const payer = found ?? entrance.recollect(authorization);
  const looks = payer === null && guard.looksFor(request);
  if (looks && entrance.isClaimed(authorization)) return arriveByLook(arriving, looks);
  const waitMs = guard.countRequest(payer, request);
  return typeof waitMs === 'number' ? { waitMs, found } : waitMs.then((ms) => ({ waitMs: ms, found }));
}

async function arriveByLook(arriving: Arriving, looks: Looks): Promise<Arrival> {
  const { entrance, guard, authorization, request } = arriving;
  const look = looks.begin(guard.clientOfRequest(null, request));
  if (typeof look === 'number') return { waitMs: look, found: null };
  const found = await entrance.identify(authorization).catch(ifNobody);
  const isKnown = !(found instanceof AuthenticationError);
  const waitMs = await guard.countRequest(isKnown ? found : null, request);
  if (isKnown && waitMs === 0) look.giveBack();
  return { waitMs, found };
}

function ifNobody(error: unknown): AuthenticationError {
  if (error instanceof AuthenticationError) return error;
  throw error;
}

import { Grants } from './grants.ts';

/** Why a caller may go on no more. */
export type Ending = 'EXPIRED' | 'REVOKED' | 'CHANGED';

export interface CallerOptions {
  /** Whom it is told apart by: the same for all credentials of one key or subject, and for no others; holds no secret. */
  readonly id: string;
  /** For logs: the key's name, or the token's `sub`. */
  readonly name: string;
  readonly grants: Grants;
  /** When its credentials end, in milliseconds since 1970; null: never by themselves. */
  readonly expiresAt?: number | null;
  /** Until when they need not be looked at again, in milliseconds since 1970; null: until they end. */
  readonly rememberedUntil?: number | null;
}

/** Who asks, and what they may do. All that comes with the same credentials is one caller. */
export class Caller {
  readonly id: string;
  /** For logs: several may bear it. */
  readonly name: string;
  readonly grants: Grants;
  readonly expiresAt: number | null;
  #freshUntil: number;
  #ended: Ending | null = null;

  constructor({ id, name, grants, expiresAt = null, rememberedUntil = null }: CallerOptions) {
    this.id = id;
    this.name = name;
    this.grants = grants;
    this.expiresAt = expiresAt;
    this.#freshUntil = Number.POSITIVE_INFINITY;
    this.remember(rememberedUntil ?? Number.POSITIVE_INFINITY);
  }

  /** When its credentials end, or must be looked at again; infinite: neither. */
  get freshUntil(): number {
    return this.#freshUntil;
  }

  /** Its credentials have been looked at, and need not be again until this moment, in milliseconds since 1970, unless they end before. */
  remember(until: number): void {
    this.#freshUntil = Math.min(this.expiresAt ?? Number.POSITIVE_INFINITY, until);
  }

  /** Whether it is the same one, and may do no less and no more, by whatever credentials. */
  isLike(other: Caller): boolean {
    return this === other || (this.id === other.id && this.grants.text === other.grants.text);
  }

  /** Why it may go on no more; null while it may. */
  endedAt(now: number): Ending | null {
    if (this.#ended === null && this.expiresAt !== null && now >= this.expiresAt) return 'EXPIRED';
    return this.#ended;
  }

  /** Whether what it may do need not be found out anew for its next request. */
  get isFresh(): boolean {
    if (this.#ended !== null) return false;
    return this.#freshUntil === Number.POSITIVE_INFINITY || Date.now() < this.#freshUntil;
  }

  /** Its credentials were taken back, or what they allow is another. */
  end(why: Ending): void {
    this.#ended ??= why;
  }
}

/** Who asks where nobody is asked who they are. */
export const anyone = new Caller({ id: 'anyone', name: 'anyone', grants: Grants.all });

import type { Member } from './gathering.ts';
import type { Saying, ToPrimary } from './messages.ts';

/** Puts together what several processes have counted that cannot say it themselves. */
export type Totals = (parts: readonly unknown[]) => unknown;

/** A question under way. */
interface Inquiry {
  readonly asker: Member;
  readonly question: number;
  readonly asked: Set<Member>;
  readonly parts: unknown[];
  readonly timer: NodeJS.Timeout;
}

/**
 * Asks all workers for their metrics when one of them wants to know. Of one that has ended, or does not answer in time, it is told what
 * it was last heard to have counted: sums do not fall because a worker does.
 */
export class Inquiries {
  readonly #members: readonly Member[];
  readonly #totals: Totals;
  readonly #patienceMs: number;
  readonly #open = new Map<number, Inquiry>();
  readonly #last = new Map<Member, unknown>();
  #ended: unknown = null;
  #count = 0;

  constructor(members: readonly Member[], totals: Totals, patienceMs = 1_000) {
    this.#members = members;
    this.#totals = totals;
    this.#patienceMs = patienceMs;
  }

  ask(asker: Member, { question }: Saying<ToPrimary, 'ask metrics'>): void {
    const inquiry = ++this.#count;
    const asked = new Set(this.#members.filter(({ serves }) => serves));
    const timer = setTimeout(() => this.#conclude(inquiry), this.#patienceMs);
    this.#open.set(inquiry, { asker, question, asked, parts: [], timer });
    for (const member of asked) member.tell({ say: 'give metrics', inquiry });
    if (asked.size === 0) this.#conclude(inquiry);
  }

  /** A worker's answer. */
  take(member: Member, { inquiry, part }: Saying<ToPrimary, 'metrics'>): void {
    this.#last.set(member, part);
    const open = this.#open.get(inquiry);
    if (!open?.asked.delete(member)) return;
    open.parts.push(part);
    if (open.asked.size === 0) this.#conclude(inquiry);
  }

  /** A worker has ended. */
  leave(member: Member): void {
    const last = this.#last.get(member);
    this.#last.delete(member);
    if (last !== undefined) this.#ended = this.#totals(this.#ended === null ? [last] : [this.#ended, last]);
    for (const [inquiry, { asker, asked }] of this.#open) {
      if (asker === member) this.#forget(inquiry);
      else if (asked.delete(member) && asked.size === 0) this.#conclude(inquiry);
    }
  }

  #conclude(inquiry: number): void {
    const open = this.#forget(inquiry);
    if (!open) return;
    const { asker, question, asked, parts } = open;
    const silent = [...asked].flatMap((member) => this.#last.get(member) ?? []);
    const others = [...(this.#ended === null ? [] : [this.#ended]), ...silent];
    asker.tell({ say: 'metrics', question, parts, others: others.length === 0 ? null : this.#totals(others) });
  }

  #forget(inquiry: number): Inquiry | undefined {
    const open = this.#open.get(inquiry);
    clearTimeout(open?.timer);
    this.#open.delete(inquiry);
    return open;
  }
}

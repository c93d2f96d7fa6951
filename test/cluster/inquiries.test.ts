import { describe, expect, it } from 'vitest';
import type { Member } from '../../src/cluster/gathering.ts';
import { Inquiries } from '../../src/cluster/inquiries.ts';
import type { Saying, ToWorker } from '../../src/cluster/messages.ts';
import { until } from '../support/until.ts';

class Told implements Member {
  serves = true;
  readonly heard: ToWorker[] = [];

  tell(message: ToWorker): void {
    this.heard.push(message);
  }

  /** The inquiries that it was asked to answer. */
  get asked(): number[] {
    return this.heard.flatMap((message) => (message.say === 'give metrics' ? [message.inquiry] : []));
  }

  get answers(): Saying<ToWorker, 'metrics'>[] {
    return this.heard.filter((message) => message.say === 'metrics');
  }
}

function newInquiries(patienceMs?: number) {
  const members: [Told, Told, Told] = [new Told(), new Told(), new Told()];
  const sum = (parts: readonly unknown[]) => (parts as number[]).reduce((total, part) => total + part, 0);
  const inquiries = new Inquiries(members, sum, patienceMs);
  const answer = (member: Told, part: number, inquiry = member.asked.at(-1) as number) =>
    inquiries.take(member, { say: 'metrics', inquiry, part });
  const ask = (member: Told, question: number) => inquiries.ask(member, { say: 'ask metrics', question });
  return { inquiries, members, answer, ask };
}

describe('the metrics of all workers', () => {
  it('are asked of those that serve, and told to the one that asked, by its question', () => {
    const { members, answer, ask } = newInquiries();
    const [a, b, c] = members;
    c.serves = false;
    ask(a, 7);
    expect(members.map(({ asked }) => asked.length)).toEqual([1, 1, 0]);
    answer(b, 2);
    expect(a.answers).toEqual([]);
    answer(a, 1);
    expect(a.answers).toEqual([{ say: 'metrics', question: 7, parts: [2, 1], others: null }]);
    expect([b, c].flatMap(({ answers }) => answers)).toEqual([]);
  });

  it('are told apart for two that ask at the same time', () => {
    const { members, answer, ask } = newInquiries();
    const [a, b, c] = members;
    ask(a, 1);
    ask(b, 1);
    for (const member of members)
      for (const [i, inquiry] of member.asked.entries()) answer(member, 10 * i + 1, inquiry);
    expect(a.answers.map(({ parts }) => parts)).toEqual([[1, 1, 1]]);
    expect(b.answers.map(({ parts }) => parts)).toEqual([[11, 11, 11]]);
    expect(c.answers).toEqual([]);
  });

  it('are told without those of one that does not answer in time, and what comes late is no part of another answer', async () => {
    const { members, answer, ask } = newInquiries(20);
    const [a, b, c] = members;
    ask(a, 1);
    const late = c.asked[0] as number;
    answer(a, 1);
    answer(b, 2);
    await until(() => a.answers.length === 1);
    expect(a.answers[0]).toMatchObject({ parts: [1, 2], others: null });
    ask(a, 2);
    answer(c, 3, late);
    answer(a, 4);
    answer(b, 5);
    answer(c, 6);
    expect(a.answers[1]).toMatchObject({ parts: [4, 5, 6], others: null });
    // Now it is known what it had counted.
    ask(a, 3);
    answer(a, 7);
    answer(b, 8);
    await until(() => a.answers.length === 3);
    expect(a.answers[2]).toMatchObject({ parts: [7, 8], others: 6 });
  });

  it('keep what one had counted that has ended, and wait for it no more', () => {
    const { inquiries, members, answer, ask } = newInquiries();
    const [a, b, c] = members;
    ask(a, 1);
    for (const [i, member] of members.entries()) answer(member, 1 + i);
    ask(a, 2);
    answer(a, 10);
    answer(b, 20);
    inquiries.leave(c);
    expect(a.answers[1]).toMatchObject({ parts: [10, 20], others: 3 });
    inquiries.leave(b);
    ask(a, 3);
    answer(a, 100);
    // Another has taken its place, and has counted nothing yet.
    answer(b, 0);
    answer(c, 0);
    expect(a.answers[2]).toMatchObject({ parts: [100, 0, 0], others: 23 });
    // Whoever asked has ended: nobody is to be told.
    ask(b, 4);
    inquiries.leave(b);
    answer(a, 1);
    answer(c, 1);
    expect(b.answers).toEqual([]);
  });
});

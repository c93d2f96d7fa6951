import { afterEach, describe, expect, it } from 'vitest';
import { Gathering, type Member } from '../../src/cluster/gathering.ts';
import type { ToWorker } from '../../src/cluster/messages.ts';
import { until } from '../support/until.ts';

/** A worker that counts up with each second, and answers when it is let. */
class Told implements Member {
  serves = true;
  heard: ToWorker[] = [];
  /** How often it was asked and has not answered. */
  asked = 0;

  tell(message: ToWorker): void {
    this.heard.push(message);
    if (message.say === 'give activity') this.asked++;
  }

  get given(): (readonly unknown[])[] {
    return this.heard.flatMap((message) => (message.say === 'activity' ? [message.parts] : []));
  }

  get wasReset(): boolean {
    return this.heard.some(({ say }) => say === 'forget activity');
  }
}

const watched: (() => void)[] = [];

afterEach(() => {
  for (const stop of watched.splice(0)) stop();
});

function gather(count: number) {
  const members = Array.from({ length: count }, () => new Told());
  const gathering = new Gathering(members, 5);
  watched.push(() => {
    for (const member of members) gathering.leave(member);
  });
  return { gathering, members: members as [Told, ...Told[]] };
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

function answer(gathering: Gathering, member: Told, part: unknown): void {
  member.asked--;
  gathering.take(member, part);
}

describe('what all workers did', () => {
  it('is asked of all, from when somebody watches at one, and told where somebody does', async () => {
    const { gathering, members } = gather(3);
    const [a, b, c] = members as [Told, Told, Told];
    c.serves = false;
    gathering.watch(a, true);
    expect([a, b, c].map(({ wasReset }) => wasReset)).toEqual([true, true, false]);
    await until(() => a.asked === 1 && b.asked === 1);
    answer(gathering, b, 'b1');
    expect(a.given).toEqual([]);
    answer(gathering, a, 'a1');
    expect(a.given).toEqual([['b1', 'a1']]);
    expect([b.given, c.heard]).toEqual([[], []]);
    const told = a.heard.findLast((message) => message.say === 'activity');
    expect(told).toMatchObject({ seconds: expect.any(Number) });
    expect(told?.say === 'activity' && told.seconds).toBeGreaterThan(0.003);
  });

  it('costs no timer and no word while nobody watches', async () => {
    const before = timers();
    const { gathering, members } = gather(2);
    const [a, b] = members as [Told, Told];
    expect(timers()).toBe(before);
    gathering.watch(a, true);
    gathering.watch(b, true);
    expect(timers()).toBe(before + 1);
    gathering.watch(a, false);
    await until(() => b.asked === 1);
    gathering.watch(b, false);
    expect(timers()).toBe(before);
    answer(gathering, a, 'late');
    answer(gathering, b, 'late');
    expect([...a.given, ...b.given]).toEqual([]);
  });

  it('is told without one that is late, who is not asked again until it answers', async () => {
    const { gathering, members } = gather(2);
    const [quick, slow] = members as [Told, Told];
    gathering.watch(quick, true);
    await until(() => slow.asked === 1 && quick.asked === 1);
    answer(gathering, quick, 'first');
    await until(() => quick.given.length === 1);
    expect(quick.given).toEqual([['first']]);
    await until(() => quick.asked === 1);
    expect(slow.asked).toBe(1);
    answer(gathering, quick, 'second');
    answer(gathering, slow, 'both');
    expect(quick.given).toEqual([['first'], ['second', 'both']]);
  });

  it('does not wait for one that has ended, nor tell it', async () => {
    const { gathering, members } = gather(2);
    const [a, b] = members as [Told, Told];
    const before = timers();
    gathering.watch(a, true);
    gathering.watch(b, true);
    await until(() => a.asked === 1 && b.asked === 1);
    answer(gathering, a, 'a');
    b.serves = false;
    gathering.leave(b);
    expect([a.given, b.given]).toEqual([[['a']], []]);
    gathering.leave(a);
    expect(timers()).toBe(before);
  });
});

import { describe, expect, test } from 'vitest';
import { Activity } from '../../src/graphql/index.ts';

/** Quick, so that no test waits for seconds; what is counted in a stretch does not depend on how long it is. */
function newActivity(): Activity {
  return new Activity({ everyMs: 5 });
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

describe('what a process does', () => {
  test('is told from when somebody watches, each thing once', async () => {
    const activity = newActivity();
    activity.countEvent('RECORDED');
    activity.countReads(7);
    const stream = activity.watch();
    activity.countEvent('RECORDED');
    activity.countEvent('RECORDED');
    activity.countEvent('DUPLICATE');
    activity.countReads(3);
    for (const ms of [1, 2, 3, 400]) activity.requests.of('http', 'query').answered(ms);
    const { value: first } = await stream.next();
    expect(first).toMatchObject({
      events: { RECORDED: 2, DUPLICATE: 1, TOO_LATE: 0, REJECTED: 0, UNAVAILABLE: 0 },
      reads: 3,
      requests: 4,
    });
    // To two figures.
    expect(Math.abs((first?.p50Ms ?? 0) - 2)).toBeLessThan(0.05);
    expect(Math.abs((first?.p99Ms ?? 0) - 400)).toBeLessThan(8);
    const { value: second } = await stream.next();
    expect(second).toMatchObject({
      events: { RECORDED: 0, DUPLICATE: 0 },
      reads: 0,
      requests: 0,
      p50Ms: null,
      p99Ms: null,
    });
    await stream.return();
  });

  test('is the same for all who watch', async () => {
    const activity = newActivity();
    const streams = [activity.watch(), activity.watch()] as const;
    activity.countReads(1);
    const [one, other] = await Promise.all(streams.map((stream) => stream.next()));
    expect(one?.value).toBe(other?.value);
    for (const stream of streams) await stream.return();
  });

  test('keeps the newest for one that is slow, and no more', async () => {
    const activity = newActivity();
    const [slow, quick] = [activity.watch(), activity.watch()];
    for (let i = 0; i < 5; i++) await quick.next();
    const { value: newest } = await quick.next();
    expect((await slow.next()).value).toBe(newest);
    await slow.return();
    await quick.return();
  });

  test('ends at once, also what waits, and leaves no timer', async () => {
    const before = timers();
    const activity = new Activity({ everyMs: 3_600_000 });
    const stream = activity.watch();
    expect(timers()).toBe(before + 1);
    const waiting = stream.next();
    expect(await stream.return()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(timers()).toBe(before);
  });

  test('closes with the server, for those that come later too', async () => {
    const before = timers();
    const activity = newActivity();
    const stream = activity.watch();
    const waiting = stream.next();
    activity.close();
    expect((await waiting).done).toBe(true);
    expect((await activity.watch().next()).done).toBe(true);
    expect(timers()).toBe(before);
  });
});

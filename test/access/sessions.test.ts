import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AuthenticationError, Caller, type Ending, Grants } from '../../src/access/index.ts';
import { Sessions } from '../../src/access/sessions.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const second = 1_000;

function callerOf(rememberedUntil: number, expiresAt: number | null = null): Caller {
  return new Caller({ id: 'token:a', name: 'a', grants: Grants.all, rememberedUntil, expiresAt });
}

it('of a caller who cannot be looked at again go on, are looked at again soon, and end with it', async () => {
  let looks = 0;
  const sessions = new Sessions(async () => {
    looks += 1;
    throw new AuthenticationError('UNAVAILABLE', 'the keys cannot be had');
  });
  const over: Ending[] = [];
  sessions.hold(callerOf(Date.now() + 10 * second, Date.now() + 60 * second), (why) => over.push(why));
  await vi.advanceTimersByTimeAsync(9 * second);
  expect(looks).toBe(0);
  await vi.advanceTimersByTimeAsync(50 * second);
  expect(looks).toBeGreaterThan(10);
  expect(over).toEqual([]);
  await vi.advanceTimersByTimeAsync(1 * second);
  expect(over).toEqual(['EXPIRED']);
});

/** Holds something of a caller who expires then, and nothing before. */
async function expectEnd(sessions: Sessions, inMs: number): Promise<Ending[]> {
  const over: Ending[] = [];
  sessions.hold(callerOf(Date.now() + 100, Date.now() + inMs), (why) => over.push(why));
  await vi.advanceTimersByTimeAsync(inMs - 1);
  expect(over).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toEqual(['EXPIRED']);
  return over;
}

it('end at the moment at which their caller does, also while that one is being looked at, and say so', async () => {
  const answer = Promise.withResolvers<void>();
  const sessions = new Sessions(() => answer.promise);
  const over = await expectEnd(sessions, 2_500);
  answer.reject(new AuthenticationError('UNAUTHENTICATED', 'it has expired'));
  await vi.advanceTimersByTimeAsync(10 * second);
  expect(over).toEqual(['EXPIRED']);
  expect(vi.getTimerCount()).toBe(0);
});

it('end at that moment also soon after their caller was looked at', async () => {
  const sessions = new Sessions(async (caller) => caller.remember(Date.now() + 60 * second));
  await expectEnd(sessions, 1_300);
});

it('of many callers are looked at together, once a second at most, and each just once at a time', async () => {
  const looked: string[] = [];
  const answer = Promise.withResolvers<void>();
  const sessions = new Sessions((caller) => {
    looked.push(caller.name);
    return answer.promise;
  });
  const callers = Array.from({ length: 100 }, (_, i) => callerOf(Date.now() + 1 + 5 * i));
  for (const caller of callers) sessions.hold(caller, () => {});
  await vi.advanceTimersByTimeAsync(999);
  expect(looked).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(looked).toHaveLength(100);
  await vi.advanceTimersByTimeAsync(30 * second);
  expect(looked).toHaveLength(100);
  for (const caller of callers) caller.remember(Date.now() + 5 * second);
  answer.resolve();
  await vi.advanceTimersByTimeAsync(4 * second);
  expect(looked).toHaveLength(100);
  await vi.advanceTimersByTimeAsync(1 * second);
  expect(looked).toHaveLength(200);
});

it('that were let go of keep no timer', async () => {
  const sessions = new Sessions(async () => {});
  const forget = sessions.hold(callerOf(Date.now() + second), () => {});
  expect(vi.getTimerCount()).toBe(1);
  forget();
  expect(vi.getTimerCount()).toBe(0);
});

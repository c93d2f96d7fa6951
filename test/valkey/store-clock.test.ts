import { describe, expect, it } from 'vitest';
import { StoreClock } from '../../src/valkey/store-clock.ts';

const micros = (ms: number) => 1_000 * ms;
/** How far a clock is ahead of ours. */
const ahead = (clock: StoreClock) => Math.round((clock.now() ?? Number.NaN) - performance.now());

describe('the store’s clock', () => {
  it('is not known before it was asked', () => {
    expect(new StoreClock().now()).toBeNull();
  });

  it('is taken to be what it said halfway between the question and the answer', () => {
    const clock = new StoreClock();
    clock.learn({ micros: micros(5_000), sentAt: 1_000, receivedAt: 1_010 });
    expect(ahead(clock)).toBe(5_000 - 1_005);
  });

  it('is not believed where a slow answer leaves room for what is known better', () => {
    const clock = new StoreClock();
    clock.learn({ micros: micros(5_000), sentAt: 1_000, receivedAt: 1_002 });
    clock.learn({ micros: micros(6_000), sentAt: 2_000, receivedAt: 3_000 });
    expect(ahead(clock)).toBe(5_000 - 1_001);
  });

  it('is believed where it was set meanwhile, however slow the answer', () => {
    const clock = new StoreClock();
    clock.learn({ micros: micros(5_000), sentAt: 1_000, receivedAt: 1_002 });
    clock.learn({ micros: micros(60_000), sentAt: 2_000, receivedAt: 3_000 });
    expect(ahead(clock)).toBe(60_000 - 2_500);
  });

  it('is taken anew from an answer as quick as the last', () => {
    const clock = new StoreClock();
    clock.learn({ micros: micros(5_000), sentAt: 1_000, receivedAt: 1_002 });
    clock.learn({ micros: micros(6_003), sentAt: 2_000, receivedAt: 2_004 });
    expect(ahead(clock)).toBe(6_003 - 2_002);
  });
});

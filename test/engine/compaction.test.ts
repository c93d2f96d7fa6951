import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { View } from '../../src/define/index.ts';
import type { Engine, PastVector, RecordOutcome, Vector } from '../../src/engine/index.ts';
import { eventClock, type Fields, type History, take, valuesAt } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, edgesOf, scenario, scenarioWithoutLifetimes, withoutRepeats } from '../support/streams.ts';
import { contradictions, differences, outOfBounds } from './certainty.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const dayMs = 86_400_000;
const fewSingles = fc.constantFrom(1, 2, 5, 7);

/** Feeds the oracle what the engine took in; a late event that it dared not to take is one that it may not know any more. */
function follow(view: View, histories: Map<string, History>, fields: Fields, { status, reason }: RecordOutcome): void {
  const id = String(fields[view.by]);
  const before = histories.get(id) ?? [];
  const now = eventClock(view, before, fields);
  const { verdict, history } = take(view, before, fields, now);
  if (status === 'TOO_LATE' && reason?.includes('remembered')) {
    expect(verdict).toBe('RECORDED');
    expect(Number(fields.at)).toBeLessThanOrEqual(now - dayMs);
    return;
  }
  expect(status).toBe(verdict);
  if (verdict === 'RECORDED') histories.set(id, history);
}

/** Some moments that are worth a look: one's own, and those an edge apart from it. */
const momentsBefore = (view: View, asOf: number, backMs: readonly number[]) => [
  asOf,
  ...[...backMs, ...edgesOf([view]), ...edgesOf([view]).map((age) => Math.floor(age / 2))].map((ms) => asOf - ms),
];

async function readPast(engine: Engine, view: View, id: string, moments: readonly number[]): Promise<PastVector[]> {
  const [found = []] = await engine.past(view, [{ id, moments }]);
  return found;
}

describe('a log of which the old part is put together', { timeout: patienceMs }, () => {
  test('says of every moment what is true, or between what the truth lies', async () => {
    const backMs = fc.array(fc.nat(3 * dayMs), { maxLength: 3 });
    const given = fc.tuple(scenario, batchSizes, fewSingles, backMs);
    await holdsFor(given, 150, async ([{ event, views, stream }, sizes, singles, back]) => {
      const [view] = views as [View];
      const check = async (engine: Engine, id: string, history: History) => {
        const [vector] = (await engine.read(view, [id])) as [Vector];
        const [now, ...past] = await readPast(engine, view, id, momentsBefore(view, vector.asOf, back));
        expect(contradictions(now as PastVector, valuesAt(view, history, vector.asOf))).toEqual([]);
        expect(outOfBounds(vector, now as PastVector)).toEqual([]);
        for (const then of past) {
          const known = history.filter(({ at }) => at <= then.asOf);
          // A running figure goes by arrival: of the past it knows what was true when the newest event came.
          const certainties = then.certainties.map((one, i) =>
            view.features[i]?.aggregation.window.kind === 'lifetime' ? { ...one, method: 'UNREACHABLE' as const } : one,
          );
          expect(contradictions({ ...then, certainties }, valuesAt(view, known, then.asOf))).toEqual([]);
        }
      };
      await scratch.lend(
        [view],
        'event',
        async (engine) => {
          const histories = new Map<string, History>();
          for (const batch of cut(stream, sizes)) {
            const outcomes = await engine.record(event, batch);
            for (const [i, fields] of batch.entries()) follow(view, histories, fields, outcomes[i] as RecordOutcome);
            for (const [id, history] of histories) await check(engine, id, history);
          }
        },
        { singles },
      );
    });
  });

  test('comes to the same in one step and in several, whatever comes in between', async () => {
    const given = fc.tuple(scenarioWithoutLifetimes, batchSizes, fewSingles);
    await holdsFor(given, 100, async ([{ event, views, stream }, sizes, singles]) => {
      const [view] = views as [View];
      const wellFormed = withoutRepeats(event, stream).filter((fields) => fields[event.id] !== '');
      const newest = Math.max(...wellFormed.map(({ at }) => Number(at)));
      const seed = wellFormed.find(({ at }) => at === newest) as Fields;
      const id = String(seed[view.by]);
      const mine = wellFormed.filter((fields) => fields[view.by] === id && fields !== seed);
      // So many events that both logs take a last step, at one moment. As many stay single as the longest list has.
      const kept = Math.max(singles, ...view.features.map(({ aggregation }) => aggregation.n ?? 0));
      const last = Array.from({ length: 2 * kept + 1 }, (_, i) => ({
        ...seed,
        [event.id]: `last ${i}`,
        at: newest + i,
      }));
      const numbers = Object.keys(event.fields).filter((name) => event.fields[name]?.type === 'number');
      const scale = Math.max(
        0,
        ...wellFormed.flatMap((one) => numbers.map((name) => Math.abs(Number(one[name] ?? 0)))),
      );

      const inSteps = async (engine: Engine) => {
        const taken: Fields[] = [];
        for (const batch of cut(mine, sizes)) {
          const outcomes = await engine.record(event, batch);
          taken.push(...batch.filter((_, i) => outcomes[i]?.status === 'RECORDED'));
        }
        await engine.record(event, last);
        return taken;
      };
      const look = (engine: Engine) => readPast(engine, view, id, momentsBefore(view, newest + 2 * kept, []));
      await scratch.lend(
        [view],
        'event',
        async (stepwise) => {
          const taken = await inSteps(stepwise);
          const found = await look(stepwise);
          const atOnce = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, { singles });
          await atOnce.record(
            event,
            [...taken, ...last].toSorted((a, b) => Number(a.at) - Number(b.at)),
          );
          for (const [i, then] of (await look(atOnce)).entries()) {
            expect(differences(found[i] as PastVector, then, scale)).toEqual([]);
          }
        },
        { singles },
      );
    });
  });
});

import fc from 'fast-check';
import { expect } from 'vitest';

/** How many times as thorough as `npm test` a run is; `npm run test:long` sets it. */
export const thoroughness = Number(process.env.TEST_THOROUGHNESS ?? 1);

/** Which example to run again, as a failure prints it: `seed:path`, such as `-721494576:112:0:1`. */
const [seed, ...path] = (process.env.TEST_EXAMPLE ?? '').split(':');

/** Time for a property test, in ms. */
export const patienceMs = 60_000 * Math.max(1, thoroughness); // a minute for what takes seconds

/** Asserts that a property holds of random values; a long run prints the seed, and a failure the smallest example. */
export async function holdsFor<T>(
  values: fc.Arbitrary<T>,
  runs: number,
  property: (value: T) => Promise<void>,
): Promise<void> {
  const begun = seed ? Number(seed) : Math.floor(Math.random() * 2 ** 31);
  const numRuns = Math.ceil(runs * thoroughness);
  if (thoroughness > 1) process.stderr.write(`${expect.getState().currentTestName}: ${numRuns} runs, seed ${begun}\n`);
  await fc.assert(fc.asyncProperty(values, property), {
    numRuns,
    seed: begun,
    ...(seed && { path: path.join(':') }),
    // Ends the search for a smaller example before the test's own patience ends and hides the one that was found.
    interruptAfterTimeLimit: 0.7 * patienceMs,
    // A long run is of as many as it says.
    markInterruptAsFailure: thoroughness > 1,
  });
}

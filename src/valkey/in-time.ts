/** Waits for some work, but not for longer. @throws Error as a command that has no answer in time. */
export async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(timedOut()), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What iovalkey says of a command of its own. */
export function timedOut(): Error {
  return new Error('Command timed out');
}

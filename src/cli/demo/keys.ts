/** What is typed on, such as `process.stdin`. */
type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

const ctrlC = '\x03';

/**
 * Calls what belongs to a key when it is typed, on a terminal; elsewhere it does nothing. Since a terminal that hands out single
 * keys no longer makes a signal of Ctrl-C, that is done here.
 * @returns how to leave the terminal as it was.
 */
export function onKeys(input: Input, keys: { readonly [key: string]: () => void }): () => void {
  if (!input.isTTY) return () => {};
  const onData = (typed: Buffer | string) => {
    for (const key of String(typed)) {
      if (key === ctrlC) process.kill(process.pid, 'SIGINT');
      else if (Object.hasOwn(keys, key)) keys[key]?.();
    }
  };
  input.setRawMode?.(true);
  // A terminal that is closed fails, and is told of by SIGHUP.
  input.on('error', () => {});
  input.on('data', onData);
  input.resume();
  return () => {
    input.off('data', onData);
    input.setRawMode?.(false);
    input.pause();
  };
}

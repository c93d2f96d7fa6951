/** Loaded before the API's own module, it collects garbage and tells what is left whenever the bench asks. */
process.on('message', () => {
  // What is only reachable by what a first collection finalizes goes with a second.
  for (let i = 0; i < 2; i++) globalThis.gc?.();
  process.send?.(process.memoryUsage());
});
process.channel?.unref();

import { writeSync } from 'node:fs';

/** Loaded before a program of others, it says on stderr, as the program ends, how much processor time it took. */
process.once('exit', () => {
  const { user, system } = process.cpuUsage();
  writeSync(2, `took ${user + system} µs\n`);
});

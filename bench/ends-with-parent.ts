/** Loaded before the API's own module, it ends the API when the bench, which holds its input, is gone, however it went. */
process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
process.stdin.unref();

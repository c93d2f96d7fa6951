/** Loaded before a program's own module, it ends the program when whoever started it, and holds its input, is gone, however that went. */
process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
process.stdin.unref();

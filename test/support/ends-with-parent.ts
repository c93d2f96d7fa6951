/** Loaded before a program's own module, it ends the program in good order when whoever started it, and holds its input, is gone. */
process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
process.stdin.unref();

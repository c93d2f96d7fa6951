import type { ListenOptions, Server } from 'node:net';

/** The port is taken, or not ours to take. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'LISTEN_FAILED';
}

/** @throws ListenError in one line for people. */
export function listenOnPort(server: Server, host: string, port: number): Promise<void> {
  return listening(server, { host, port }, (error) => whyNot(error, host, port));
}

/** @throws ListenError in one line for people. */
export function listenOnSocket(server: Server, path: string): Promise<void> {
  const why = ({ message }: Error) =>
    `Cannot listen on ${path}: ${message}; set TMPDIR to a folder with a short path that this user may write to`;
  // Exclusive: of workers, each has its own.
  return listening(server, { path, exclusive: true }, why);
}

function listening(server: Server, where: ListenOptions, why: (error: NodeJS.ErrnoException) => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new ListenError(why(error)));
    server.once('error', fail).listen(where, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function whyNot(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program: stop it, or set PORT to another (0 takes any free one)`;
    case 'EACCES':
      return `Port ${port} on ${host} is not ours to take: set PORT to one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST ${host} is not an address of this machine`;
    default:
      return `Cannot listen on ${host}:${port}: ${error.message}`;
  }
}

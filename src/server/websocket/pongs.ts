import type { WebSocket } from 'ws';

/**
 * Answers pings one at a time: of those that come while an answer is under way only the newest is answered (RFC 6455, section
 * 5.5.3). A client that asks whether we are there, and does not take the answers, would otherwise have them pile up.
 */
export function answerPings(socket: WebSocket): void {
  let answering = false;
  let newest: Buffer | null = null;
  const answer = (ping: Buffer) => {
    answering = true;
    socket.pong(ping, false, () => {
      answering = false;
      const next = newest;
      newest = null;
      if (next) answer(next);
    });
  };
  socket.on('ping', (ping) => {
    if (answering) newest = ping;
    else answer(ping);
  });
}

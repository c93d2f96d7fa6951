/** In characters, of the id that a client gives an operation on a WebSocket or a reserved stream: each of its messages repeats it. */
export const longestOperationId = 256;

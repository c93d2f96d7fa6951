import { type Message, MessageType } from 'graphql-ws';
import { hasTooManyValues, mostJsonValues } from '../json-values.ts';
import { longestOperationId } from '../operation-id.ts';

/** With what a socket is closed for a message that is not taken. */
export interface MessageRefusal {
  readonly code: number;
  readonly reason: string;
}

/** In characters, of a message that is no operation, and of any before it is known who asks. */
export const longestControl = 65_536;

/** Of the WebSocket protocol: too big to be handled. Clients do not send the same again. */
const tooBig = 1009;
const badRequest = 4400;

/** Why a text is not even parsed; null: it is. @param isKnown whether it is known who asks. */
export function refusalOfText(text: string, isKnown: boolean): MessageRefusal | null {
  if (!isKnown && text.length > longestControl) {
    return { code: tooBig, reason: `Before connection_ack a message may have ${longestControl} characters` };
  }
  if (!hasTooManyValues(text)) return null;
  return { code: tooBig, reason: `A message may have ${mostJsonValues} values` };
}

/** Why a message is not handled; null: it is. @param length of its text, in characters. */
export function refusalOfMessage(message: Message, length: number): MessageRefusal | null {
  const { type } = message;
  if (type !== MessageType.Subscribe && length > longestControl) {
    return { code: tooBig, reason: `A ${type} may have ${longestControl} characters` };
  }
  if ('id' in message && message.id.length > longestOperationId) {
    return { code: badRequest, reason: `The id of an operation may have ${longestOperationId} characters` };
  }
  return null;
}

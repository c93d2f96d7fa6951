import { isUnanswered, type Servers, type ValkeyServer } from '../valkey/index.ts';
import { UnavailableError } from './outcome.ts';
import type { Part } from './parts.ts';
import type { PartReply } from './rounds.ts';

/** So many calls to one server go out together: it serves nobody else until it has done them all. */
const callsAtOnce = 32;

/**
 * Makes a call for each entity: on a cluster a call is of one slot, and two entities hardly ever share one. Those to one server go out in
 * one piece; what is more than it should be kept busy with is left. An entity whose server is away fails alone; but where a server does not
 * answer or acknowledge in time, what is left for it fails, too: it would wait as long, call after call.
 * @param keyOf the key by which a part is found.
 * @param call for parts of one entity; what each of the first of them came to.
 * @returns what each part came to, in their order.
 */
export async function byEntity<P extends Part, Value>(
  servers: Servers,
  parts: readonly P[],
  keyOf: (part: P) => string,
  call: (parts: readonly P[]) => Promise<readonly PartReply<Value>[]>,
): Promise<PartReply<Value>[]> {
  const replies = new Array<PartReply<Value>>(parts.length).fill({ kind: 'left' });
  const calls = new Map<ValkeyServer | null, number>();
  const left: { readonly server: ValkeyServer | null; readonly places: readonly number[] }[] = [];
  const unanswered = new Map<ValkeyServer | null, UnavailableError>();
  const work: Promise<void>[] = [];
  for (const [key, places] of Map.groupBy(parts.keys(), (place) => keyOf(parts[place] as P))) {
    const server = servers.find(key);
    const before = calls.get(server) ?? 0;
    if (before >= callsAtOnce) {
      left.push({ server, places });
      continue;
    }
    calls.set(server, before + 1);
    work.push(
      call(places.map((place) => parts[place] as P)).then(
        (own) => {
          for (const [i, reply] of own.entries()) replies[places[i] as number] = reply;
        },
        (error: unknown) => {
          if (!(error instanceof UnavailableError)) throw error;
          for (const place of places) replies[place] = { kind: 'done', value: error };
          if (isUnanswered(error.cause)) unanswered.set(server, error);
        },
      ),
    );
  }
  await Promise.all(work);
  for (const { server, places } of left) {
    const error = unanswered.get(server);
    if (error) for (const place of places) replies[place] = { kind: 'done', value: error };
  }
  return replies;
}

/**
 * Does some work for the parts of each server by itself, so that one which does not answer takes no time of those whose server does.
 * @param keyOf the key by which a part is found.
 * @returns what each part came to, in their order.
 */
export async function byServer<P extends Part, Value>(
  servers: Servers,
  parts: readonly P[],
  keyOf: (part: P) => string,
  work: (parts: readonly P[]) => Promise<readonly (Value | Error)[]>,
): Promise<(Value | Error)[]> {
  const values = new Array<Value | Error>(parts.length);
  // Where nobody is known, whoever calls finds out, or waits until somebody is.
  const together = Map.groupBy(parts.keys(), (place) => servers.find(keyOf(parts[place] as P)));
  await Promise.all(
    [...together.values()].map(async (places) => {
      const own = await work(places.map((place) => parts[place] as P)).catch((error: unknown) => {
        if (error instanceof UnavailableError) return places.map(() => error);
        throw error;
      });
      for (const [i, value] of own.entries()) values[places[i] as number] = value;
    }),
  );
  return values;
}

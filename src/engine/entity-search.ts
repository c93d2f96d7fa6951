import type { Entity, View } from '../define/index.ts';
import type { Servers } from '../valkey/index.ts';
import { invalidIdReason } from './admission.ts';
import { type KeyNames, stem } from './keys.ts';
import { orUnavailable } from './valkey-failure.ts';

/** An entity of which something is stored. */
export interface FoundEntity {
  readonly entity: Entity;
  readonly id: string;
}

export interface EntitySearch {
  /** Each once; first those of just this id. */
  readonly found: readonly FoundEntity[];
  /** Whether all that is stored was looked at; otherwise there may be more. */
  readonly complete: boolean;
}

/** Keys that Valkey looks at in one call: some 0.2 ms of its time, in which others wait. */
const keysPerCall = 1_000;
/** Keys that a search looks at, in as many calls as it takes; an entity has about four. */
const mostKeys = 200_000;

/**
 * Looks among what is stored for entities whose id holds a text; A to Z in capitals or not. There is no index of ids: it goes through
 * the keys, for so long that nobody else notices.
 * @throws UnavailableError
 */
export async function searchEntities(
  servers: Servers,
  keys: KeyNames,
  views: readonly View[],
  text: string,
  most: number,
): Promise<EntitySearch> {
  const stems = new Map(views.map((view) => [`${keys.prefix}:${stem(view)}`, view.entity]));
  const pattern = `${escapeGlob(keys.prefix)}:v*:{*${anyCase(keys.encodeId(text))}*}`;
  const wanted = text.toLowerCase();
  const found = new Map<string, FoundEntity>();
  // Whoever knows the whole id is not to depend on how far a search comes.
  for (const { entity, exists } of await orUnavailable(() => lookUp(servers, keys, views, text))) {
    if (exists) found.set(`${entity.name} ${text}`, { entity, id: text });
  }
  await orUnavailable(() => servers.ready());
  let looked = 0;
  for (const { valkey } of servers.all) {
    for (let cursor: string | null = '0'; cursor !== null; looked += keysPerCall) {
      if (looked >= mostKeys) return { found: [...found.values()], complete: false };
      const from: string = cursor;
      const [next, matches] = await orUnavailable(() => valkey.scan(from, 'MATCH', pattern, 'COUNT', keysPerCall));
      cursor = next === '0' ? null : next;
      for (const key of matches) {
        const brace = key.indexOf('{', keys.prefix.length);
        const entity = stems.get(key.slice(0, brace));
        if (!entity) continue; // of a view that is not served here
        const id = keys.decodeId(key.slice(brace + 1, -1));
        if (!id.toLowerCase().includes(wanted)) continue; // the text is but in how a sign of it is encoded
        if (found.size === most && !found.has(`${entity.name} ${id}`))
          return { found: [...found.values()], complete: false };
        found.set(`${entity.name} ${id}`, { entity, id });
      }
    }
  }
  return { found: [...found.values()], complete: true };
}

/** Of which views something is stored of just this id. */
function lookUp(servers: Servers, keys: KeyNames, views: readonly View[], id: string) {
  const wanted = invalidIdReason(id) === null ? views : [];
  return Promise.all(
    wanted.map(async (view) => {
      const key = keys.hash(view, id);
      return { entity: view.entity, exists: (await servers.ask(key, ({ valkey }) => valkey.exists(key))) === 1 };
    }),
  );
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&');
}

/** A glob for the text in capitals or not, of letters that have just one of each. */
function anyCase(text: string): string {
  return Array.from(text, (sign) => {
    const [low, high] = [sign.toLowerCase(), sign.toUpperCase()];
    return /^[a-z]$/.test(low) ? `[${low}${high}]` : escapeGlob(sign);
  }).join('');
}

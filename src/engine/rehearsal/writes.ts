import type { EntityCopy, Write } from './entity-copy.ts';
import type { Command } from './lane.ts';

/** So much is rather written once more than that one more command is sent. */
export const mostBetween = 1_000;

/** Commands that write what a rehearsal came to; those of the log that are near each other are one. */
export function commandsOf(copy: EntityCopy): Command[] {
  const { log, writes } = copy;
  const patches: Write[] = [];
  const ofHash: Write[] = [];
  const others: Command[] = [];
  let isReplaced = false;
  for (const write of writes) {
    const [name, key] = write;
    if (key === log && name === 'SETRANGE' && !isReplaced) patches.push(write);
    else if (name === 'HSET' || name === 'HDEL') ofHash.push(write);
    else others.push(write);
    isReplaced ||= key === log && name === 'SET';
  }
  // What was patched before it was replaced need not be written.
  const ofLog = isReplaced ? [] : stretchesOf(copy, patches);
  return [...ofLog, ...others, ...(ofHash.length > 1 ? joined(ofHash) : ofHash)];
}

/** What several events write into a served hash, as one would. */
function joined(writes: readonly Write[]): Command[] {
  const hash = new HashWrites();
  for (const write of writes) hash.take(write);
  return hash.commands();
}

class HashWrites {
  #key: string | null = null;
  /** Null: taken out. */
  readonly #fields = new Map<string, string | number | null>();

  take([name, key, ...args]: Write): void {
    this.#key = key;
    if (name === 'HDEL') for (const field of args) this.#fields.set(field as string, null);
    else for (let i = 0; i < args.length; i += 2) this.#fields.set(args[i] as string, args[i + 1] as string | number);
  }

  commands(): Command[] {
    if (this.#key === null) return [];
    const key = this.#key;
    const set: (string | number)[] = [];
    const gone: string[] = [];
    for (const [field, value] of this.#fields) {
      if (value === null) gone.push(field);
      else set.push(field, value);
    }
    return [
      ...(set.length > 0 ? [['HSET', key, ...set] as const] : []),
      ...(gone.length > 0 ? [['HDEL', key, ...gone] as const] : []),
    ];
  }
}

/** Patches of the log, as few commands as may be. */
function stretchesOf(copy: EntityCopy, patches: readonly Write[]): Command[] {
  const { log } = copy;
  const inOrder = patches.length > 1 ? [...patches].sort((a, b) => (a[2] as number) - (b[2] as number)) : patches;
  const commands: Command[] = [];
  let from = 0;
  let text = '';
  for (const [, , at, bytes] of inOrder as readonly (readonly [string, string, number, string])[]) {
    const longer = text === '' ? null : withPatch(copy, from, text, at, bytes);
    if (longer !== null) text = longer;
    else {
      if (text !== '') commands.push(['SETRANGE', log, from, text]);
      [from, text] = [at, stretch(copy, at, bytes.length) ?? bytes];
    }
  }
  if (text !== '') commands.push(['SETRANGE', log, from, text]);
  return commands;
}

/** A stretch up to the end of a patch that begins in it or soon after it; null where that is too far, or not known. */
function withPatch(copy: EntityCopy, from: number, text: string, at: number, bytes: string): string | null {
  const end = from + text.length;
  if (at - end > mostBetween) return null;
  // Of what was written twice, the copy knows which came last.
  if (at < end) return stretch(copy, from, Math.max(end, at + bytes.length) - from);
  const between = at > end ? stretch(copy, end, at - end) : '';
  return between === null ? null : text + between + bytes;
}

/** A stretch of the log as it would be, had all been written; null where not all of it is known. */
function stretch(copy: EntityCopy, from: number, bytes: number): string | null {
  const text = copy.read(copy.log, from, bytes);
  return text?.length === bytes ? text : null;
}

import type { View } from '../define/index.ts';

/**
 * Names of everything that is stored. All keys of an entity share its hash tag `{id}`, so that one function call sees
 * them all, on a cluster too; the function library derives an entity's other keys from that of its log.
 */
export class KeyNames {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The served vector: a hash that anyone may read with HGETALL. */
  hash(view: View, id: string): string {
    return `${this.prefix}:${stem(view)}{${encodeTag(id)}}`;
  }

  /** The hash's name with `<id>` for the id, for people. */
  hashPattern(view: View): string {
    return `${this.prefix}:${stem(view)}{<id>}`;
  }

  /** The log: a packed string, see lua/call.lua. */
  log(view: View, id: string): string {
    return `${this.prefix}:log:${stem(view)}{${encodeTag(id)}}`;
  }

  /** What is known of the prefix as a whole: its clock, and the features ever loaded under it. */
  get registry(): string {
    return `${this.prefix}:registry`;
  }
}

/** The part of a view's keys before the hash tag. */
export function stem(view: View): string {
  return `v${view.version}:${view.name}:`;
}

/** A brace would end the hash tag early, and a per cent sign must stay distinguishable from an encoded one. */
function encodeTag(id: string): string {
  return /[%{}]/.test(id) ? id.replace(/[%{}]/g, (sign) => encodeURIComponent(sign)) : id;
}

import type { View } from '../define/index.ts';

/** What a view is known by among keys; also one that is not served here. */
export type KeyedView = Pick<View, 'name' | 'version'>;

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
    // Joined, it is one string; concatenated, it would hold on to its six parts, in every entity that is watched.
    return [this.prefix, ':', stem(view), '{', this.encodeId(id), '}'].join('');
  }

  /** The name of a hash or a log is this, and the tag of its entity. */
  hashStem(view: KeyedView): string {
    return `${this.prefix}:${stem(view)}`;
  }

  logStem(view: KeyedView): string {
    return `${this.prefix}:log:${stem(view)}`;
  }

  /** The hash tag, which all keys of an entity have. */
  tag(id: string): string {
    return `{${this.encodeId(id)}}`;
  }

  /** The hash's name with `<id>` for the id, for people. */
  hashPattern(view: View): string {
    return `${this.hashStem(view)}{<id>}`;
  }

  /** The log: a packed string, see lua/call.lua. */
  log(view: KeyedView, id: string): string {
    return this.logStem(view) + this.tag(id);
  }

  /** What the prefix is committed to: its clock, the views and features ever loaded under it, and the layouts of its logs. */
  get registry(): string {
    return `${this.prefix}:registry`;
  }

  /** Which processes run under the prefix (see presence.ts). */
  get processes(): string {
    return `${this.prefix}:processes`;
  }

  /**
   * An id, or a part of one, as it stands in keys: a brace would end the hash tag early, and a per cent sign must stay
   * distinguishable from an encoded one.
   */
  encodeId(id: string): string {
    return /[%{}]/.test(id) ? id.replace(/[%{}]/g, (sign) => encodeURIComponent(sign)) : id;
  }

  /** The id that stands so in keys. */
  decodeId(encoded: string): string {
    return encoded.replace(/%(25|7B|7D)/g, (sign) => decodeURIComponent(sign));
  }
}

/** The part of a view's keys before the hash tag. */
export function stem(view: KeyedView): string {
  return `v${view.version}:${view.name}:`;
}

/**
 * Why a key prefix is refused; null when it is fine. A brace would move the hash tag, on which all keys of an entity being
 * together depends; under a prefix that ends like the name of a kind of key, the keys of two prefixes would meet.
 */
export function invalidKeyPrefixReason(prefix: string): string | null {
  if (!/^[^{}\s\p{Cc}]{1,64}$/u.test(prefix) || !prefix.isWellFormed()) {
    return 'must be 1 to 64 characters without braces, blanks or control characters';
  }
  if (/:(log|seen|ids|corrections|v\d+)$/.test(prefix)) {
    return 'must not end like the name of a kind of key (:log, :seen, :ids, :corrections, :v1)';
  }
  return null;
}

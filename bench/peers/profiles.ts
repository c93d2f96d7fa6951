import type { Redis } from 'iovalkey';
import type { FeatureSet, Profile } from './features.ts';

/** Reads profiles from the served hashes by HMGET: of many users in one pipeline. */
export class Profiles {
  readonly #valkey: Redis;
  readonly #stem: string;

  constructor(valkey: Redis, keyPrefix: string) {
    this.#valkey = valkey;
    this.#stem = `${keyPrefix}:v1:user_risk_profile:`;
  }

  async read(ids: readonly string[], features: FeatureSet): Promise<Profile[]> {
    const { hashFields } = features;
    if (ids.length === 1) {
      return [features.profile(await this.#valkey.hmget(`${this.#stem}{${ids[0]}}`, ...hashFields))];
    }
    const pipeline = this.#valkey.pipeline();
    for (const id of ids) pipeline.hmget(`${this.#stem}{${id}}`, ...hashFields);
    const replies = (await pipeline.exec()) ?? [];
    return replies.map(([error, texts]) => {
      if (error) throw error;
      return features.profile(texts as (string | null)[]);
    });
  }
}

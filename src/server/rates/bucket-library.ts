import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('./bucket.lua', import.meta.url), 'utf8');
const version = createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The function library of the buckets; its names carry a hash of its text, so that two versions live side by side. */
export const bucketLibrary = {
  code: `#!lua name=freshet_buckets_${version}\nlocal version = '${version}'\n${text}`,
  take: `freshet_take_${version}`,
} as const;

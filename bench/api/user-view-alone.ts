import { registerHooks } from 'node:module';

/**
 * Loaded before the API's own module, it has the API serve the user's view and nothing else: where `schema/index.ts` is
 * imported, it is given `user-schema.ts`. All else is as its users start it.
 */
const whole = new URL('../../schema/index.ts', import.meta.url).href;
const userSchema = new URL('user-schema.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    return resolved.url === whole ? { ...resolved, url: userSchema } : resolved;
  },
});

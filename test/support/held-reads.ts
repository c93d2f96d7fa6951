import type { Engine } from '../../src/engine/index.ts';

/** Reads that an engine has begun, and that are answered once they are let go. */
export class HeldReads {
  begun = 0;
  readonly #engine: Engine;
  readonly #read: Engine['readEach'];
  readonly #held = Promise.withResolvers<void>();

  /** Holds every read from now on. */
  constructor(engine: Engine) {
    this.#engine = engine;
    const read = engine.readEach;
    this.#read = read;
    engine.readEach = async (...args: Parameters<typeof read>) => {
      this.begun++;
      await this.#held.promise;
      return read.apply(engine, args);
    };
  }

  /** Answers those that are held, and lets later ones pass. */
  letGo(): void {
    this.#engine.readEach = this.#read;
    this.#held.resolve();
  }
}

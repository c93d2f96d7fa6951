/** Nobody can tell from these credentials who asks. Its message is for whoever sent them. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
  /** `UNAVAILABLE`: what is needed to look at them cannot be had now. */
  readonly code: 'UNAUTHENTICATED' | 'UNAVAILABLE';

  constructor(code: AuthenticationError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Nobody can look at a token now. */
export function unreachable(): AuthenticationError {
  return new AuthenticationError('UNAVAILABLE', 'The keys by which tokens are looked at cannot be had now');
}

/** What an operator has written of keys, or of who issues tokens, cannot be used. */
export class AccessConfigError extends Error {
  override readonly name = 'AccessConfigError';
  readonly code = 'ACCESS_CONFIG_INVALID';
  readonly problems: readonly string[];

  /** @param where such as the path of a file. */
  constructor(where: string, problems: readonly string[]) {
    super(`${where}: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

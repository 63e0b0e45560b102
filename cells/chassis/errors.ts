/** Stable reasons for refusing a request; `httpStatusOf` turns each into an HTTP status. */
export type RefusalCode = 'INVALID' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'TOO_LARGE' | 'NOT_SUPPORTED' | 'UNAVAILABLE'

/** An expected error that is explained to the client; not a bug. */
export class Refusal extends Error {
  readonly code: RefusalCode

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Refusal'
    this.code = code
  }
}

/** The one table from refusal to HTTP status. */
export const httpStatusOf: Readonly<Record<RefusalCode, number>> = {
  INVALID: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  TOO_LARGE: 413,
  NOT_SUPPORTED: 501,
  UNAVAILABLE: 503,
}

/** A mistake in the configuration or the command line: printed as a sentence, without a stack. */
export class UserError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UserError'
    this.exitCode = exitCode
  }
}

/** The sentence inside whatever was thrown: that of the cause, where the error itself says nothing. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  // A host with several addresses, none of which answers.
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(messageOf).join(', ')
  return thrown.message === 'fetch failed' && thrown.cause !== undefined ? messageOf(thrown.cause) : thrown.message
}

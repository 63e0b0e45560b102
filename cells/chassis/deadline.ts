import type { Clock } from './clock.ts'

/** Work that took longer than it may. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
}

/** The time limit of some work, and its name for the error message. */
export interface Deadline {
  clock: Clock
  ms: number
  /** Begins the message: `opening a room`. */
  what: string
}

/**
 * Resolves with the result of `work`.
 *
 * @throws DeadlineExceeded when that takes too long; the work goes on, and its result is dropped
 */
export function withDeadline<Result>(work: Promise<Result>, { clock, ms, what }: Deadline): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new DeadlineExceeded(`${what} took longer than ${ms} ms`)))
    work.then(resolve, reject).finally(cancel)
  })
}

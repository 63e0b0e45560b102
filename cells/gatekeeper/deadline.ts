import type { Clock } from '../chassis/clock.ts'

/** What `work` resolves to, unless it takes longer than `ms`: then it throws, and whatever comes of the work is dropped. */
export async function within<Result>(clock: Clock, ms: number, what: string, work: Promise<Result>): Promise<Result> {
  let cancel = () => {}
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`${what} took longer than ${ms} ms`)))
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    cancel()
  }
}

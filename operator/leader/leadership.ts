/** The operator does not hold the lease, or not for certain: nothing was written. */
export class NotLeading extends Error {
  constructor() {
    super('this operator does not lead at the moment')
    this.name = 'NotLeading'
  }
}

/** Passed along with a write, so that the write does not outlive the leadership in which it was begun. */
export interface WriteFence {
  /** Aborts when leadership ends. */
  signal: AbortSignal
  /** Called as the write is sent. @throws NotLeading */
  guard: () => void
}

/** Whether this operator may write. */
export interface Leadership {
  /** True while the lease is held for certain: also right after the process was paused, when no timer has fired yet. */
  isLeader(): boolean
  /** Called before each write; a lease that was not renewed lately is renewed first. @throws NotLeading */
  fence(): Promise<WriteFence>
}

/** Leadership that follows a condition of the caller instead of a lease. */
export function leadershipBy(isLeader: () => boolean, signal: AbortSignal = new AbortController().signal): Leadership {
  const guard = () => {
    if (!isLeader()) throw new NotLeading()
  }
  return {
    isLeader,
    async fence() {
      guard()
      return { signal, guard }
    },
  }
}

/** Leadership of a process that shares the cluster with no other operator. */
export const soleLeadership: Leadership = leadershipBy(() => true)

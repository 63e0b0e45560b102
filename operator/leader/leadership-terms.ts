import type { Running } from '../../cells/chassis/lifecycle.ts'

/** The work of one term of leadership. */
export interface Term extends Running {
  loop: { readonly depth: number }
}

/** Terms of leadership one after the other: a new one begins only when what the last one left under way is done. */
export interface LeadershipTerms extends Running {
  begin(): void
  end(): void
  /** Objects that wait for their pass in the term that runs. */
  readonly depth: number
}

/** @param start begins the work of one term */
export function createLeadershipTerms(start: () => Term): LeadershipTerms {
  let wanted = false
  let stopped = false
  let running: Term | undefined
  let tail = Promise.resolve()

  const want = (value: boolean): Promise<void> => {
    wanted = value
    tail = tail.then(async () => {
      if (value) {
        if (wanted && !running && !stopped) running = start()
        return
      }
      const ending = running
      running = undefined
      await ending?.stop()
    })
    return tail
  }
  return {
    begin: () => void want(true),
    end: () => void want(false),
    get depth() {
      return running?.loop.depth ?? 0
    },
    stop() {
      stopped = true
      return want(false)
    },
  }
}

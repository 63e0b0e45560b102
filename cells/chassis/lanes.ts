/** So many things at once: what comes while every lane is taken waits for its turn, in order. */
export interface Lanes {
  /** Does something once a lane is free, and answers with what came of it. */
  run<Outcome>(task: () => Promise<Outcome>): Promise<Outcome>
}

/** @param atMost lanes; how many wait for one is up to who asks, and bounded there */
export function createLanes(atMost: number): Lanes {
  const waiting: (() => void)[] = []
  let free = atMost
  return {
    async run(task) {
      if (free > 0) free--
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await task()
      } finally {
        // Whoever waits gets the lane itself: nobody who comes just now overtakes it.
        const next = waiting.shift()
        if (next) next()
        else free++
      }
    },
  }
}

import type { Clock } from '../chassis/clock.ts'

/** Something here asks for the time each ten milliseconds. Where nothing has for so long, the process was stopped, or not scheduled. */
const LONGEST_WAIT_MS = 250

/**
 * A clock whose `monotonic` leaves out the time in which this process did not run. Clients that were not listened to were not silent: their
 * datagrams still wait in the socket when the process goes on, and time-outs are looked at before those are read.
 */
export function awakeClock(clock: Clock): Clock {
  let leftOutMs = 0
  let lastMs = clock.monotonic()
  return {
    now: () => clock.now(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    monotonic: () => {
      const realMs = clock.monotonic()
      leftOutMs += Math.max(0, realMs - lastMs - LONGEST_WAIT_MS)
      lastMs = realMs
      return realMs - leftOutMs
    },
  }
}

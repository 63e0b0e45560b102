import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import type { Bus, BusState } from './bus.ts'
import { OutageWatch } from './outage.ts'

/** A watch over a bus that the test takes away and gives back. */
function aWatch() {
  const [clock, listeners] = [new ManualClock(), new Set<(state: BusState) => void>()]
  const bus = { state: 'connected' as BusState, problem: undefined as string | undefined }
  const onState: Bus['onState'] = (listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  const watch = new OutageWatch(Object.assign(bus, { onState }) as unknown as Bus, clock)
  const become = (state: BusState, problem?: string) => {
    Object.assign(bus, { state, problem })
    for (const listener of listeners) listener(state)
  }
  return { clock, watch, become, listeners }
}

test('a broker that restarts is no reason, one that stays away is, in its own words', () => {
  const { clock, watch, become } = aWatch()
  expect(watch.reason).toBeUndefined()
  become('disconnected', 'no connection to nats:4222')
  clock.advance(9_999)
  expect(watch.reason).toBeUndefined()
  become('disconnected', 'authorization violation') // again: it has been away all the time
  clock.advance(1)
  expect(watch.reason).toBe('the bus is away: authorization violation')
  become('connected')
  expect(watch.reason).toBeUndefined()
})

test('a watch that is stopped leaves no listener on the bus', () => {
  const { watch, listeners } = aWatch()
  watch.stop()
  expect(listeners.size).toBe(0)
})

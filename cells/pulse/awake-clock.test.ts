import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { awakeClock } from './awake-clock.ts'
import { aConnection, Network } from './enet/fixtures.ts'

test('the clock goes on while it is asked, and leaves out the time in which it was not', () => {
  const real = new ManualClock()
  const { monotonic } = awakeClock(real)
  for (let i = 0; i < 100; i++) {
    real.advance(10)
    monotonic()
  }
  expect(monotonic()).toBe(1_000)
  real.advance(60_000)
  expect(monotonic()).toBe(1_250)
  real.advance(200)
  expect(monotonic()).toBe(1_450)
})

test.each([
  [true, 'connected'],
  [false, 'closed'],
])('a relay that was not scheduled for a minute loses no client for it: %s, %s', (isAwakeClock, state) => {
  const network = new Network()
  const clock = new ManualClock()
  const real = { ...clock, now: clock.now, after: clock.after, monotonic: () => network.now }
  const { peer, client, server } = aConnection(network, { clock: isAwakeClock ? awakeClock(real).monotonic : real.monotonic })
  // Its acknowledgements are under way when the relay stops.
  network.detach(client.peer.address, client.peer.port)
  peer.sendReliable(0, Buffer.from('joined'))
  network.run(1_800)
  network.now += 60_000
  server.host.service()
  expect(peer.state).toBe(state)
})

import { expect, test } from 'vitest'
import { heapGrowth } from '../../../testing/heap-growth.ts'
import { standingAt, walletOf } from './fixtures.ts'
import { Relay } from './relay.ts'

test('a change that is sent to a client leaves nothing on the heap', () => {
  const relay = new Relay({ startedAtMs: 0 })
  const players = Array.from({ length: 80 }, (_, i) => {
    const player = relay.connect(walletOf(i), { sendReliable: () => {}, sendUnreliable: () => {}, flush: () => {} }, undefined, 0)
    relay.teleport(player, { state: standingAt(i % 9, i / 9), realm: 'main' }, 0)
    return player
  })
  let nowMs = 0
  const walk = () => {
    nowMs += 50
    for (const [i, player] of players.entries()) relay.input(player, standingAt((i + nowMs / 50) % 9, i / 9), nowMs)
  }
  const tick = () => relay.tick(nowMs)
  // No announcement is to be repeated any more.
  for (let i = 0; i < 300; i++) {
    walk()
    tick()
  }
  const bytesPerChange = () => {
    let sent = 0
    let bytes = 0
    while (sent < 50_000) {
      walk()
      const before = relay.deltas.sent
      bytes += heapGrowth(tick)
      sent += relay.deltas.sent - before
    }
    return bytes / sent
  }
  bytesPerChange()
  // Measured twice, for compiled code is on the heap, too. An object, the smallest there is, would take at least 16.
  expect(bytesPerChange()).toBeLessThan(8)
})

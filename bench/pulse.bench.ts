import { standingAt, walletOf } from '../cells/pulse/core/fixtures.ts'
import { emptyState } from '../cells/pulse/core/messages/avatar-state.ts'
import type { Player, RelayClient } from '../cells/pulse/core/player.ts'
import { Relay } from '../cells/pulse/core/relay.ts'
import type { Figure } from './figure.ts'

export const name = 'pulse'
const TICK_MS = 50
/** Explorers send ten states a second while they move: half of the players at each tick. */
const MOVING_SHARE = 0.5
const WARM_UP_TICKS = 60
const TICKS = 200

/** Counts what a client would be sent. */
class CountingClient implements RelayClient {
  static messages = 0
  static bytes = 0

  sendReliable(message: Uint8Array): void {
    CountingClient.messages++
    CountingClient.bytes += message.length
  }

  sendUnreliable(_: Uint8Array, start: number, end: number): void {
    CountingClient.messages++
    CountingClient.bytes += end - start
  }
}

interface Walker {
  player: Player
  x: number
  z: number
}

/** The relay without its network: what a round costs when all players walk. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  crowd(report, '1 500 players in 60 m', 1_500, 60)
  crowd(report, '4 000 players spread over the world', 4_000, 4_000)
}

function crowd(report: (figure: Figure) => void, what: string, players: number, metres: number): void {
  const relay = new Relay({ startedAtMs: 0 })
  let nowMs = 0
  const place = () => (Math.random() - 0.5) * metres
  const walkers = Array.from({ length: players }, (_, index): Walker => {
    const [x, z] = [place(), place()]
    const player = relay.connect(walletOf(index), new CountingClient(), undefined, nowMs)
    relay.teleport(player, { state: standingAt(x, z), realm: 'main' }, nowMs)
    return { player, x, z }
  })
  const state = emptyState()
  const round = (index: number) => {
    nowMs += TICK_MS
    for (let i = index % 2; i < walkers.length * 2 * MOVING_SHARE; i += 2) {
      const walker = walkers[i]
      if (!walker) continue
      walker.x = Math.max(-metres / 2, Math.min(metres / 2, walker.x + (Math.random() - 0.5) * 0.6))
      walker.z = Math.max(-metres / 2, Math.min(metres / 2, walker.z + (Math.random() - 0.5) * 0.6))
      state.set(standingAt(walker.x, walker.z))
      relay.input(walker.player, state, nowMs)
    }
    const startedAt = performance.now()
    relay.tick(nowMs)
    return performance.now() - startedAt
  }
  for (let i = 0; i < WARM_UP_TICKS; i++) round(i)
  const before = { ...relay.deltas }
  const [sentBefore, encodedBefore] = [before.sent, relay.deltas.encoded]
  const times = Array.from({ length: TICKS }, (_, i) => round(i)).sort((a, b) => a - b)
  const sent = relay.deltas.sent - sentBefore
  report({ what: `${what}: a round, median`, value: times[Math.floor(TICKS / 2)] ?? 0, unit: 'ms', note: 'without the network' })
  report({ what: `${what}: a round, p99`, value: times[Math.floor(TICKS * 0.99)] ?? 0, unit: 'ms' })
  report({
    what: `${what}: changes sent`,
    value: sent / ((TICKS * TICK_MS) / 1_000),
    unit: '/s',
    note: `${(sent / Math.max(1, relay.deltas.encoded - encodedBefore)).toFixed(1)} clients share one`,
  })
}

import { standingAt, walletOf } from '../cells/pulse/core/fixtures.ts'
import { emptyState } from '../cells/pulse/core/messages/avatar-state.ts'
import type { Player, RelayClient } from '../cells/pulse/core/player.ts'
import { Relay } from '../cells/pulse/core/relay.ts'
import { AS_OFTEN_AS_STATES } from '../cells/pulse/core/send-rates.ts'
import { heapGrowth } from '../testing/heap-growth.ts'
import type { Figure } from './figure.ts'
import { serveCrowdInOwnProcess } from './pulse/own-process.ts'

export const name = 'pulse'
const TICK_MS = 50
/** Explorers send ten states a second while they move: half of the players at each tick. */
const MOVING_SHARE = 0.5
const WARM_UP_TICKS = 260
const TICKS = 200
/** A round that takes longer is late for the next one. */
const ROUND_GOAL_MS = 50

/** Takes what a client would be sent. */
const client: RelayClient = { sendReliable: () => {}, sendUnreliable: () => {}, flush: () => {} }

interface Walker {
  player: Player
  x: number
  z: number
}

/** What a round of the relay costs when all players walk: by itself, and with its framing and the datagrams of a real socket. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  allocations(report)
  crowd(report, '1 500 players in 60 m', 1_500, 60)
  crowd(report, '4 000 players spread over the world', 4_000, 4_000)
  await served(report, '1 500 players in 60 m', 1_500, 60)
  await served(report, '4 000 players spread over the world', 4_000, 4_000)
}

function crowd(report: (figure: Figure) => void, what: string, players: number, metres: number): void {
  const { relay, walk } = aCrowd(players, metres)
  const round = (index: number) => {
    const nowMs = walk(index)
    const cpu = process.cpuUsage()
    relay.tick(nowMs)
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1_000
  }
  for (let i = 0; i < WARM_UP_TICKS; i++) round(i)
  const before = { sent: relay.deltas.sent, encoded: relay.deltas.encoded }
  const times = Array.from({ length: TICKS }, (_, i) => round(i)).sort((a, b) => a - b)
  const sent = relay.deltas.sent - before.sent
  const shared = sent / Math.max(1, relay.deltas.encoded - before.encoded)
  report({ what: `${what}: a round, median`, value: at(times, 0.5), unit: 'ms', note: 'CPU time, without the network' })
  report({ what: `${what}: a round, p99`, value: at(times, 0.99), unit: 'ms' })
  report({
    what: `${what}: changes sent`,
    value: sent / ((TICKS * TICK_MS) / 1_000),
    unit: 'changes per s of the players',
    note: `${shared.toFixed(1)} clients share one`,
  })
}

/** Players who stand so close that all see the same ones: nobody comes or goes, only changes are sent. */
function allocations(report: (figure: Figure) => void): void {
  const { relay, walk } = aCrowd(90, 20)
  for (let i = 0; i < 2 * WARM_UP_TICKS; i++) relay.tick(walk(i))
  let sent = 0
  let bytes = 0
  for (let i = 0; sent < 100_000; i++) {
    const nowMs = walk(i)
    const before = relay.deltas.sent
    bytes += heapGrowth(() => relay.tick(nowMs))
    sent += relay.deltas.sent - before
  }
  report({
    what: 'bytes of the heap per change sent',
    value: bytes / sent,
    unit: 'B',
    compare: { better: 'lower', kind: 'count' },
    note: `of ${sent.toLocaleString('en')} changes`,
  })
}

async function served(report: (figure: Figure) => void, what: string, players: number, metres: number): Promise<void> {
  const served = await serveCrowdInOwnProcess({ players, metres }, AS_OFTEN_AS_STATES)
  const whole = `${what}, over UDP`
  const number = (value: number) => Math.round(value).toLocaleString('en')
  const floor = `the floor of node:dgram and the kernel, in the same run: ${served.bareRoundMs.toFixed(1)} ms`
  const perCore = { now: served.datagramsOut / served.coreShare, bare: served.datagramsOut / served.bareShare }
  report({
    what: `${whole}: a round, median`,
    value: at(served.roundMs, 0.5),
    unit: 'ms',
    note: `CPU time at ten states a second of each player, with framing and sending; ${floor}`,
  })
  report({
    what: `${whole}: a round, p99`,
    value: at(served.roundMs, 0.99),
    unit: 'ms',
    note: `the goal is ${ROUND_GOAL_MS} ms; ${served.lost} connections lost`,
  })
  report({
    what: `${whole}: datagrams to each player`,
    value: served.datagramsOut / players,
    unit: 'datagrams per s of the players',
    compare: { better: 'lower', kind: 'count' },
    note: `${served.bytesPerDatagram.toFixed(0)} bytes with ${(served.deltas / served.datagramsOut).toFixed(1)} messages each; ${number(served.datagramsOut)}/s out, ${number(served.datagramsIn)}/s in`,
  })
  report({
    what: `${whole}: messages to clients`,
    value: served.deltas / served.coreShare,
    unit: 'per s and core',
    compare: { better: 'higher', kind: 'rate' },
    note: `${number(served.deltas)}/s of the players; in ${number(perCore.now)} datagrams/s and core, of ${number(perCore.bare)} at the floor`,
  })
  report({
    what: `${whole}: reception of a datagram`,
    value: served.received.relay,
    unit: 'us',
    compare: { better: 'lower', kind: 'time' },
    note: `with the state it brings; ${served.received.bare.toFixed(1)} us at the floor`,
  })
  report({
    what: `${whole}: share of a core`,
    value: served.coreShare * 100,
    unit: '% of a core',
    compare: { better: 'lower', kind: 'time' },
    note: `the goal is 100 %; players a core serves: ${number(players / served.coreShare)}`,
  })
  report({
    what: `${whole}: share of a core of a program that only receives and sends as many datagrams`,
    value: served.bareShare * 100,
    unit: '% of a core',
    compare: { better: 'lower', kind: 'time' },
    note: `the floor; the relay needs ${(served.coreShare / served.bareShare).toFixed(1)} times that`,
  })
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

/** @returns the relay, and a function that lets half of the players walk and says what time it is then */
function aCrowd(players: number, metres: number) {
  const relay = new Relay({ startedAtMs: 0 })
  let nowMs = 0
  const place = () => (Math.random() - 0.5) * metres
  const walkers = Array.from({ length: players }, (_, index): Walker => {
    const [x, z] = [place(), place()]
    const player = relay.connect(walletOf(index), { ...client }, undefined, nowMs)
    relay.teleport(player, { state: standingAt(x, z), realm: 'main' }, nowMs)
    return { player, x, z }
  })
  const state = emptyState()
  const stepped = (from: number) => Math.max(-metres / 2, Math.min(metres / 2, from + (Math.random() - 0.5) * 0.6))
  const walk = (index: number): number => {
    nowMs += TICK_MS
    for (let i = index % 2; i < walkers.length * 2 * MOVING_SHARE; i += 2) {
      const walker = walkers[i]
      if (!walker) continue
      walker.x = stepped(walker.x)
      walker.z = stepped(walker.z)
      state.set(standingAt(walker.x, walker.z))
      relay.input(walker.player, state, nowMs)
    }
    return nowMs
  }
  return { relay, walk }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Position } from '../../cells/wire/peer.ts'
import { startPosition } from '../continuity/service-set.ts'
import { connectorUrl } from '../player/about.ts'
import { type Announcement, ObservedPlayer } from './observed-player.ts'

const HEARTBEAT_MS = 1_000
const TICK_MS = 50
/**
 * The realm provider learns the number of players every few seconds: in less time `/about` would send all new players to one
 * cell.
 */
const ADD_MS = 20_000
/** How many players share an address, as those behind one router do. */
const PLAYERS_PER_ADDRESS = 50
const CONNECTED_MS = 300_000
const RUN_MS = 60_000
const CHANGES_BEFORE = 3
const POLL_MS = 50

/** Simulated players who stand in groups of twenty, and connect through the public address as explorers do. */
export class PlayerGroup implements AsyncDisposable {
  readonly players: ObservedPlayer[] = []
  readonly #aboutUrl: string
  readonly #size: number
  readonly #heartbeats: NodeJS.Timeout
  #turn = 0

  /** A group of `size` players at most; `add` connects them. */
  constructor(aboutUrl: string, size: number) {
    this.#aboutUrl = aboutUrl
    this.#size = size
    this.#heartbeats = setInterval(() => this.#beat(), TICK_MS)
  }

  /**
   * Connects `count` more players, evenly over `overMs`, each to the URL that `/about` gives, and waits until all of them have a
   * room.
   */
  async add(count: number, overMs = ADD_MS): Promise<void> {
    const first = this.players.length
    const connecting = Array.from({ length: count }, async (_, n) => {
      await sleep((n * overMs) / count)
      const player = await this.#newPlayer(first + n)
      this.players.push(player)
      await player.arrive()
    })
    await Promise.all(connecting)
    await this.untilConnected(CONNECTED_MS)
  }

  /** Resolves when every player has a session and a room, or after `timeoutMs`. */
  async untilConnected(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (this.players.some(({ isConnected, room }) => !isConnected || room === undefined)) {
      if (performance.now() > deadline) return
      await sleep(POLL_MS)
    }
  }

  /**
   * Connects a player who moves between two groups and so changes islands with every flush. Players of its cell stand in both: of
   * two who meet in an empty place the one who was there first keeps the island, and would take it along.
   * `stop` returns the longest time between two of these changes, in ms.
   */
  async startRunner(): Promise<{ stop(): Promise<number> }> {
    const [first] = this.players
    const last = this.players.findLast(({ url }) => url === first?.url)
    const stops: readonly Position[] = [first, last].map((player) => player?.position ?? { x: 0, y: 0, z: 0 })
    const name = `runner ${performance.now()}`
    const runner = new ObservedPlayer(name, first?.url ?? '', stops[0] ?? { x: 0, y: 0, z: 0 }, addressOf(0))
    await runner.arrive()
    let changes = 0
    const running = setInterval(() => {
      // A room that is announced again, as after a reconnection, is no change: the runner has to stay until there is one.
      if (changesOf(runner.announcements).length > changes) runner.position = stops[++changes % stops.length] ?? runner.position
      runner.heartbeat()
    }, TICK_MS)
    const deadline = performance.now() + RUN_MS
    while (changes < CHANGES_BEFORE && performance.now() < deadline) await sleep(POLL_MS)
    return {
      stop: async () => {
        clearInterval(running)
        const times = [...changesOf(runner.announcements).slice(CHANGES_BEFORE - 1), performance.now()]
        await runner.leave()
        return Math.max(...times.slice(1).map((at, n) => at - (times[n] ?? at)))
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeats)
    await Promise.all(this.players.map((player) => player.leave()))
  }

  async #newPlayer(number: number): Promise<ObservedPlayer> {
    const url = await connectorUrl(this.#aboutUrl)
    return new ObservedPlayer(`player ${number}`, url, startPosition(number, this.#size), addressOf(number))
  }

  /** Sends the heartbeats of some players; in the time between two heartbeats of one player, those of all. */
  #beat(): void {
    const share = Math.ceil((this.players.length * TICK_MS) / HEARTBEAT_MS)
    for (let n = 0; n < share; n++) this.players[this.#turn++ % this.players.length]?.heartbeat()
  }
}

/** When a room was announced that differs from the one before. */
const changesOf = (announcements: readonly Announcement[]): number[] =>
  announcements.filter(({ room }, n) => room !== announcements[n - 1]?.room).map(({ atMs }) => atMs)

const addressOf = (number: number): string => `127.0.1.${Math.floor(number / PLAYERS_PER_ADDRESS) + 1}`

import type { SpanClock } from '../../cells/chassis/clock.ts'
import { UserError } from '../../cells/chassis/errors.ts'
import { throwAwayWallet } from './throw-away-wallet.ts'
import { type Step, type Visit, type VisitOptions, visit } from './visit.ts'

/** How a crowd enters a realm, and what it does there. */
export interface CrowdOptions {
  /** Base URL of the realm, without `/about`. */
  url: string
  players: number
  /** Players who begin to enter in a second. */
  perSecond: number
  /** Parcel in the middle of the crowd. */
  at: readonly [number, number]
  /** Players stand on so many parcels in each direction from the middle. */
  spreadParcels: number
  /** For each step of a player, in milliseconds. */
  timeoutMs: number
  entersRoom: boolean
  checkUrl: NonNullable<VisitOptions['checkUrl']>
}

/** What became of a crowd up to now. Spans are in milliseconds. */
export interface CrowdCounts {
  begun: number
  joined: number
  /** Players who are in the realm. */
  connected: number
  /** By step and cause. */
  failures: Map<string, number>
  /** How long each player took from `/about` to its island, or its room. */
  joinMs: number[]
  islands: Set<string>
  heartbeats: number
  /** Players who were in the realm and were disconnected, by reason. */
  disconnects: Map<string, number>
}

const PARCEL_METRES = 16
/** Each player sends a heartbeat once a second, each in one of these parts of it. */
const PARTS = 10
const PART_MS = 100
/** Most causes that are told apart; the rest is counted together. */
const MAX_CAUSES = 20

interface Player {
  visit: Visit
  position: VisitOptions['position']
  steps: number
}

/** Many players, each with a wallet of its own, who enter one after the other and walk until they leave. */
export class Crowd {
  readonly counts: CrowdCounts = {
    ...{ begun: 0, joined: 0, connected: 0, heartbeats: 0, joinMs: [] },
    ...{ failures: new Map(), islands: new Set(), disconnects: new Map() },
  }
  readonly #options: CrowdOptions
  readonly #clock: SpanClock
  readonly #players = new Set<Player>()
  readonly #entering = new Set<Promise<void>>()
  readonly #startedAt: number
  #cancel: () => void
  #part = 0
  #isOver = false

  constructor(options: CrowdOptions, clock: SpanClock) {
    this.#options = options
    this.#clock = clock
    this.#startedAt = clock.monotonic()
    this.#cancel = clock.after(0, this.#tick)
  }

  /** Why players may not be where the realm sends them; undefined while they may. */
  refusal: UserError | undefined

  /** Resolves once every player who began to enter is in, or has failed. */
  async entered(): Promise<void> {
    await Promise.all(this.#entering)
  }

  /** No further player enters, and all leave. */
  async leave(): Promise<void> {
    this.#isOver = true
    this.#cancel()
    for (const player of this.#players) player.visit.leave()
    await this.entered()
  }

  readonly #tick = (): void => {
    this.#cancel = this.#clock.after(PART_MS, this.#tick)
    const { players, perSecond } = this.#options
    const due = Math.min(players, Math.floor(((this.#clock.monotonic() - this.#startedAt) / 1_000) * perSecond) + 1)
    for (; this.counts.begun < due; this.counts.begun++) this.#begin(this.counts.begun)
    this.#part = (this.#part + 1) % PARTS
    let index = 0
    for (const player of this.#players) if (index++ % PARTS === this.#part) this.#walk(player)
  }

  #walk(player: Player): void {
    const { x, y, z } = player.position
    player.visit.moveTo({ x: x + (player.steps++ % PARCEL_METRES) / 2, y, z })
    this.counts.heartbeats++
  }

  #begin(index: number): void {
    const entering = this.#enter(index).finally(() => this.#entering.delete(entering))
    this.#entering.add(entering)
  }

  async #enter(index: number): Promise<void> {
    const { url, timeoutMs, entersRoom, checkUrl } = this.#options
    const position = this.#positionOf(index)
    const startedAt = this.#clock.monotonic()
    let step: Step = 'about'
    const onBegin = (begun: Step) => {
      step = begun
    }
    const options: VisitOptions = {
      url,
      position,
      timeoutMs,
      entersRoom,
      checkUrl,
      onBegin,
      onStep: () => {},
      wallet: throwAwayWallet(),
    }
    try {
      const entered = await visit(options)
      this.counts.joinMs.push(this.#clock.monotonic() - startedAt)
      this.#add({ visit: entered, position, steps: 0 })
    } catch (error) {
      if (error instanceof UserError) this.refusal ??= error
      else if (!this.#isOver) count(this.counts.failures, `${step}: ${causeOf(error)}`)
    }
  }

  #add(player: Player): void {
    const { counts } = this
    counts.joined++
    if (player.visit.island !== undefined) counts.islands.add(player.visit.island)
    if (this.#isOver) {
      player.visit.leave()
      return
    }
    counts.connected++
    this.#players.add(player)
    void player.visit.closed.then((reason) => {
      this.#players.delete(player)
      counts.connected--
      if (!this.#isOver) count(counts.disconnects, reason)
    })
  }

  /** Row by row over the square around the middle, again from the beginning once it is full. */
  #positionOf(index: number): VisitOptions['position'] {
    const { at, spreadParcels } = this.#options
    const side = 2 * spreadParcels + 1
    const place = index % (side * side)
    const [x, y] = [at[0] - spreadParcels + (place % side), at[1] - spreadParcels + Math.floor(place / side)]
    return { x: (x + 0.5) * PARCEL_METRES, y: 0, z: (y + 0.5) * PARCEL_METRES }
  }
}

/** What differs from player to player is left out, so that equal causes are counted together. */
const causeOf = (error: unknown): string => {
  const { message, cause } = error as { message?: string; cause?: { message?: string } }
  const whole = cause?.message ? `${message}: ${cause.message}` : String(message ?? error)
  return whole.replaceAll(/0x[\da-f]{6,}|\b\d{6,}\b/gi, '…').slice(0, 200)
}

function count(counts: Map<string, number>, cause: string): void {
  const key = counts.has(cause) || counts.size < MAX_CAUSES ? cause : 'other causes'
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

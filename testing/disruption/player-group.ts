import { setTimeout as sleep } from 'node:timers/promises'
import type { Position } from '../../cells/wire/peer.ts'
import { homeOf } from '../continuity/service-set.ts'
import { connectorUrl } from '../player/about.ts'
import { type Telling, Traveller } from './observed-player.ts'

const HEARTBEAT_MS = 1_000
const TICK_MS = 50
/** Nobody counts players more often than every few seconds; over less than that all newcomers would be led to one cell. */
const ARRIVE_MS = 20_000
/** Players who share an address, as households do. */
const HOUSEHOLD = 50
const ARRIVAL_MS = 300_000
const RUN_MS = 60_000
const LEGS_BEFORE = 3
const POLL_MS = 50

/** Players who stand about in villages, and come through the public front door like everybody else. */
export class Party implements AsyncDisposable {
  readonly travellers: Traveller[] = []
  readonly #aboutUrl: string
  readonly #size: number
  readonly #heart: NodeJS.Timeout
  #turn = 0

  /** A party of `size` at most, nobody of whom has come yet. */
  constructor(aboutUrl: string, size: number) {
    this.#aboutUrl = aboutUrl
    this.#size = size
    this.#heart = setInterval(() => this.#beat(), TICK_MS)
  }

  /** Lets so many more come over so long a time, wherever `/about` leads each, and waits until all of them know a room. */
  async welcome(count: number, overMs = ARRIVE_MS): Promise<void> {
    const first = this.travellers.length
    const arriving = Array.from({ length: count }, async (_, n) => {
      await sleep((n * overMs) / count)
      const traveller = await this.#newTraveller(first + n)
      this.travellers.push(traveller)
      await traveller.arrive()
    })
    await Promise.all(arriving)
    await this.together(ARRIVAL_MS)
  }

  /** Waits until everybody has a session and a room, for so long at most. */
  async together(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (this.travellers.some(({ isConnected, room }) => !isConnected || room === undefined)) {
      if (performance.now() > deadline) return
      await sleep(POLL_MS)
    }
  }

  /** Somebody who runs between two villages and so changes islands with every flush, until told to stop; then, the longest wait for it. */
  async run(): Promise<{ stop(): Promise<number> }> {
    const stops: readonly Position[] = [homeOf(0, this.#size), homeOf(this.#size - 1, this.#size)]
    const [host] = this.travellers
    const runner = new Traveller(`runner ${performance.now()}`, host?.url ?? '', stops[0] ?? { x: 0, y: 0, z: 0 }, addressOf(0))
    await runner.arrive()
    let leg = 0
    const legs = setInterval(() => {
      // Told the same room again, as after a broken line, he is not there yet.
      if (changesOf(runner.tellings).length > leg) runner.position = stops[++leg % stops.length] ?? runner.position
      runner.heartbeat()
    }, TICK_MS)
    const deadline = performance.now() + RUN_MS
    while (leg < LEGS_BEFORE && performance.now() < deadline) await sleep(POLL_MS)
    return {
      stop: async () => {
        clearInterval(legs)
        const times = [...changesOf(runner.tellings).slice(LEGS_BEFORE - 1), performance.now()]
        await runner.leave()
        return Math.max(...times.slice(1).map((at, n) => at - (times[n] ?? at)))
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heart)
    await Promise.all(this.travellers.map((traveller) => traveller.leave()))
  }

  async #newTraveller(number: number): Promise<Traveller> {
    const url = await connectorUrl(this.#aboutUrl)
    return new Traveller(`traveller ${number}`, url, homeOf(number, this.#size), addressOf(number))
  }

  /** Everybody's heartbeats, evenly over the time between two. */
  #beat(): void {
    const share = Math.ceil((this.travellers.length * TICK_MS) / HEARTBEAT_MS)
    for (let n = 0; n < share; n++) this.travellers[this.#turn++ % this.travellers.length]?.heartbeat()
  }
}

/** When somebody was told another room than the one before. */
const changesOf = (tellings: readonly Telling[]): number[] =>
  tellings.filter(({ room }, n) => room !== tellings[n - 1]?.room).map(({ atMs }) => atMs)

const addressOf = (number: number): string => `127.0.1.${Math.floor(number / HOUSEHOLD) + 1}`

import type { ServerResponse } from 'node:http'
import type { Clock } from '../../chassis/clock.ts'

export interface ViewerLimits {
  total: number
  /** From one address. Behind a proxy that names no clients, all have its address. */
  perAddress: number
}

const LIMITS: ViewerLimits = { total: 256, perAddress: 16 }
/** A viewer that takes nothing for so long is disconnected. */
const MAX_BEHIND_MS = 30_000

/** One open page. */
interface Viewer {
  readonly response: ServerResponse
  readonly address: string
  /** The realm whose map it shows. */
  readonly realm: string | undefined
  /** Since when it has not taken what was sent to it, by the monotonic clock. */
  behindSince: number | undefined
  /** Whether something was not sent to it meanwhile. */
  hasMissed: boolean
}

/** What a viewer is sent that comes, or that was too slow for changes. */
export type Catching = (realm: string | undefined) => readonly Buffer[]

/**
 * Pages that show the console. All are sent the same bytes. One that is slow is sent nothing until it has taken what is in its
 * buffer, and then everything anew: it never has more than that waiting in memory.
 */
export class Viewers {
  readonly #viewers = new Set<Viewer>()
  readonly #catchUp: Catching
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #limits: ViewerLimits

  constructor(catchUp: Catching, clock: Pick<Clock, 'monotonic'>, limits: ViewerLimits = LIMITS) {
    this.#catchUp = catchUp
    this.#clock = clock
    this.#limits = limits
  }

  get size(): number {
    return this.#viewers.size
  }

  /** Whether there is room for one more from an address. */
  hasRoom(address: string): boolean {
    if (this.#viewers.size >= this.#limits.total) return false
    let same = 0
    for (const viewer of this.#viewers) if (viewer.address === address) same++
    return same < this.#limits.perAddress
  }

  add(response: ServerResponse, address: string, realm: string | undefined): void {
    const viewer: Viewer = { response, address, realm, behindSince: undefined, hasMissed: false }
    this.#viewers.add(viewer)
    const leave = () => this.#viewers.delete(viewer)
    response.on('close', leave).on('error', leave)
    response.on('drain', () => {
      viewer.behindSince = undefined
      if (!viewer.hasMissed) return
      viewer.hasMissed = false
      this.#write(viewer, this.#catchUp(viewer.realm))
    })
    this.#write(viewer, this.#catchUp(realm))
  }

  /** Sends bytes to every viewer that keeps up, or to those of one realm. */
  send(bytes: Buffer, realm?: string): void {
    const nowMs = this.#clock.monotonic()
    for (const viewer of this.#viewers) {
      if (realm !== undefined && viewer.realm !== realm) continue
      if (viewer.behindSince === undefined) {
        this.#write(viewer, [bytes])
        continue
      }
      viewer.hasMissed = true
      if (nowMs - viewer.behindSince > MAX_BEHIND_MS) viewer.response.destroy()
    }
  }

  stop(): void {
    for (const { response } of this.#viewers) response.end()
    this.#viewers.clear()
  }

  #write(viewer: Viewer, parts: readonly Buffer[]): void {
    let taken = true
    for (const part of parts) taken = viewer.response.write(part)
    if (!taken) viewer.behindSince = this.#clock.monotonic()
  }
}

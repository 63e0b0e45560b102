import type { Clock } from '../../chassis/clock.ts'
import { json } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import type { PeerId } from '../../wire/peer.ts'
import { WalletLimit } from '../core/wallet-limit.ts'

/** As many in a minute as upstream allows. */
const RATE = { burst: 60, perSecond: 1, maxWallets: 10_000 }

/** Limits what a wallet asks for about administrators, bans and streams of scenes: each such request asks other services. */
export class SceneChangeLimit {
  readonly #limit = new WalletLimit(RATE)
  readonly #clock: Pick<Clock, 'monotonic'>

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Counts one request of a wallet; the answer to one beyond the rate. */
  refusalTo(wallet: PeerId): HttpResponse | undefined {
    const nowMs = this.#clock.monotonic()
    const waitMs = this.#limit.waitMs(wallet, nowMs)
    if (waitMs > 0)
      return json(429, { error: 'Too many scene permission requests' }, { 'retry-after': String(Math.ceil(waitMs / 1_000)) })
    this.#limit.count(wallet, nowMs)
    return undefined
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId, Position } from '../../cells/wire/peer.ts'
import { connectPlayer, type Player } from '../player/player.ts'
import { createWallet, type Wallet } from '../player/wallet.ts'

const RETRY_MS = 300
const HANDSHAKE_MS = 60_000

/** A player who reconnects whenever the connection ends, as explorers do. */
export class SimulatedPlayer {
  readonly #wallet: Wallet
  readonly #connectorUrl: () => string
  readonly #localAddress: string
  readonly #past: Player[] = []
  #player: Player | undefined
  #isLeaving = false
  position: Position

  constructor(name: string, position: Position, connectorUrl: () => string, localAddress = '127.0.0.1') {
    this.#wallet = createWallet(name)
    this.#connectorUrl = connectorUrl
    this.#localAddress = localAddress
    this.position = position
  }

  get peer(): PeerId {
    return this.#wallet.peer
  }

  /** The current connection; undefined while reconnecting. */
  get player(): Player | undefined {
    return this.#player
  }

  /** Every room that was announced in any session, oldest first. */
  get rooms(): string[] {
    return [...this.#past, ...(this.#player ? [this.#player] : [])].flatMap(({ islands }) =>
      islands.map(({ islandId }) => islandId),
    )
  }

  /** The room announced last in the current session. */
  get room(): string | undefined {
    return this.#player?.island?.islandId
  }

  /** Whether a session was ended with `kicked`. */
  get wasKicked(): boolean {
    return [...this.#past, ...(this.#player ? [this.#player] : [])].some(({ kicked }) => kicked)
  }

  /** Connects, and reconnects until `leave`. Resolves with the first session. */
  async arrive(): Promise<void> {
    for (;;) {
      const options = {
        url: this.#connectorUrl(),
        wallet: this.#wallet,
        localAddress: this.#localAddress,
        timeoutMs: HANDSHAKE_MS,
      }
      const player = await connectPlayer(options).catch(() => undefined)
      if (!player) {
        if (this.#isLeaving) return
        await sleep(RETRY_MS * (0.5 + Math.random()))
        continue
      }
      this.#player = player
      this.heartbeat()
      void player.closed.then(() => {
        this.#past.push(player)
        this.#player = undefined
        if (!this.#isLeaving) void this.arrive()
      })
      return
    }
  }

  heartbeat(): void {
    this.#player?.heartbeat(this.position)
  }

  leave(): void {
    this.#isLeaving = true
    this.#player?.close()
  }
}

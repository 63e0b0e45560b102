import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId, Position } from '../../cells/wire/peer.ts'
import { connectPlayer, type Player } from '../player/player.ts'
import { UpgradeRefused } from '../player/socket.ts'
import { createWallet, type Wallet } from '../player/wallet.ts'

/** A room that was announced to a player; `atMs` is of `performance.now()`. */
export interface Announcement {
  atMs: number
  room: string
}

/** A session a player lost; times are of `performance.now()`, and undefined until it happened. */
export interface LostSession {
  lostAtMs: number
  /** The WebSocket's close code. */
  code: number
  reconnectedAtMs: number | undefined
  /** When a room was announced in the next session. */
  announcedAtMs: number | undefined
  failedAttempts: number
}

const HANDSHAKE_MS = 20_000
/** How long explorers wait before they reconnect, and at most when attempts fail; each wait is varied by up to half. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 1_000
const BUSY = 503

/** A simulated player who reconnects to the same URL whenever the connection ends, and records what happened. */
export class ObservedPlayer {
  readonly #wallet: Wallet
  readonly #localAddress: string
  readonly announcements: Announcement[] = []
  readonly lostSessions: LostSession[] = []
  /** The connector's URL, as `/about` gave it before the first connection. */
  readonly url: string
  position: Position
  /** How many sessions ended with `kicked`, and how many upgrades were refused with a status other than 503. */
  kicked = 0
  refused = 0
  #player: Player | undefined
  #isLeaving = false

  constructor(name: string, url: string, position: Position, localAddress: string) {
    this.#wallet = createWallet(name)
    this.#localAddress = localAddress
    this.url = url
    this.position = position
  }

  get peer(): PeerId {
    return this.#wallet.peer
  }

  get isConnected(): boolean {
    return this.#player !== undefined
  }

  /** The last room announced in the current session. */
  get room(): string | undefined {
    return this.#player?.island?.islandId
  }

  /** Connects, and reconnects until `leave`. Resolves with the first session after `lost`, or the first of all. */
  async arrive(lost?: LostSession): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; !this.#isLeaving; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      if (lost) await sleep(waitMs * (0.5 + Math.random()))
      const player = await this.#connect(lost)
      if (player) return this.#play(player, lost)
      if (lost) lost.failedAttempts++
      else await sleep(waitMs)
    }
  }

  heartbeat(): void {
    this.#player?.heartbeat(this.position)
  }

  async leave(): Promise<void> {
    this.#isLeaving = true
    this.#player?.close()
    await this.#player?.closed
  }

  #connect(lost: LostSession | undefined): Promise<Player | undefined> {
    const onIsland = ({ islandId }: { islandId: string }) => {
      const atMs = performance.now()
      this.announcements.push({ atMs, room: islandId })
      if (lost) lost.announcedAtMs ??= atMs
    }
    const options = { url: this.url, wallet: this.#wallet, localAddress: this.#localAddress, timeoutMs: HANDSHAKE_MS, onIsland }
    return connectPlayer(options).catch((error: unknown) => {
      if (error instanceof UpgradeRefused && error.status !== BUSY) this.refused++
      return undefined
    })
  }

  #play(player: Player, lost: LostSession | undefined): void {
    if (lost) lost.reconnectedAtMs = performance.now()
    this.#player = player
    this.heartbeat()
    void player.closed.then(({ code }) => {
      this.#player = undefined
      if (player.kicked) this.kicked++
      if (this.#isLeaving) return
      const times = { lostAtMs: performance.now(), reconnectedAtMs: undefined, announcedAtMs: undefined }
      const next: LostSession = { ...times, code, failedAttempts: 0 }
      this.lostSessions.push(next)
      void this.arrive(next)
    })
  }
}

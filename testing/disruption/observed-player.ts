import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId, Position } from '../../cells/wire/peer.ts'
import { connectPlayer, type Player } from '../player/player.ts'
import { UpgradeRefused } from '../player/socket.ts'
import { createWallet, type Wallet } from '../player/wallet.ts'

/** A room a player was told, and when, in ms of `performance.now()`. */
export interface Telling {
  atMs: number
  room: string
}

/** A session a player lost, when he had another one, and when he was told his room in it; undefined while he waits. */
export interface Absence {
  lostAtMs: number
  code: number
  backAtMs: number | undefined
  toldAtMs: number | undefined
  /** Attempts to come back that did not succeed. */
  inVain: number
}

const HANDSHAKE_MS = 20_000
/** How long explorers wait before they come back, and at most when it does not work; each differs by up to half of it. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 1_000
const BUSY = 503

/** A player who keeps the URL he was once told, comes back by it whenever his connection ends, and remembers all that. */
export class Traveller {
  readonly #wallet: Wallet
  readonly #localAddress: string
  readonly tellings: Telling[] = []
  readonly absences: Absence[] = []
  /** Where he connects, as `/about` said when he came. */
  readonly url: string
  position: Position
  /** How often he was told to stay away: by `kicked`, or by an answer that is no invitation to try again. */
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

  /** Whether he has a session. */
  get isConnected(): boolean {
    return this.#player !== undefined
  }

  /** The room he was last told in this session. */
  get room(): string | undefined {
    return this.#player?.island?.islandId
  }

  /** Connects, and from then on again and again. */
  async arrive(absence?: Absence): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; !this.#isLeaving; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      if (absence) await sleep(waitMs * (0.5 + Math.random()))
      const player = await this.#connect(absence)
      if (player) return this.#play(player, absence)
      if (absence) absence.inVain++
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

  #connect(absence: Absence | undefined): Promise<Player | undefined> {
    const onIsland = ({ islandId }: { islandId: string }) => {
      const atMs = performance.now()
      this.tellings.push({ atMs, room: islandId })
      if (absence) absence.toldAtMs ??= atMs
    }
    const how = { url: this.url, wallet: this.#wallet, localAddress: this.#localAddress, timeoutMs: HANDSHAKE_MS, onIsland }
    return connectPlayer(how).catch((error: unknown) => {
      if (error instanceof UpgradeRefused && error.status !== BUSY) this.refused++
      return undefined
    })
  }

  #play(player: Player, absence: Absence | undefined): void {
    if (absence) absence.backAtMs = performance.now()
    this.#player = player
    this.heartbeat()
    void player.closed.then(({ code }) => {
      this.#player = undefined
      if (player.kicked) this.kicked++
      if (this.#isLeaving) return
      const next = { lostAtMs: performance.now(), code, backAtMs: undefined, toldAtMs: undefined, inVain: 0 }
      this.absences.push(next)
      void this.arrive(next)
    })
  }
}

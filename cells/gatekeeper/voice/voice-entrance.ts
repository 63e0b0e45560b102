import { Refusal } from '../../chassis/errors.ts'
import type { DenyList } from '../../identity/deny-list.ts'
import type { LivekitTransport, TokenRequest } from '../../rtc/livekit-transport.ts'
import type { RoomTransport } from '../../rtc/room-transport.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { BanList } from '../ban-list.ts'
import { livekitOf } from '../livekit/livekit-of.ts'

export interface VoiceEntranceOptions {
  /** Undefined where the realm has neither LiveKit nor embedded rooms. */
  transport: RoomTransport | LivekitTransport | undefined
  bans: Pick<BanList, 'known'>
  denyList: Pick<DenyList, 'known'>
  /** Whether a player may be in no room at all. */
  isShutOut: (address: PeerId) => Promise<boolean>
}

/** Who may enter a voice chat, and with what: the social service decided the rest before it asked. */
export class VoiceEntrance {
  readonly #options: VoiceEntranceOptions

  constructor(options: VoiceEntranceOptions) {
    this.#options = options
  }

  /** @throws Refusal FORBIDDEN when one of them is banned or on the deny list, UNAVAILABLE while that is not known, NOT_SUPPORTED without LiveKit */
  async admit(...players: readonly PeerId[]): Promise<void> {
    const { transport, bans, denyList, isShutOut } = this.#options
    livekitOf(transport)
    if (!bans.known) throw new Refusal('UNAVAILABLE', 'The bans have not been read yet')
    if (!denyList.known) throw new Refusal('UNAVAILABLE', 'The deny list has not been read yet')
    const shutOut = await Promise.all(players.map(isShutOut))
    if (shutOut.includes(true)) throw new Refusal('FORBIDDEN', 'Access denied, platform-banned user')
  }

  /** Where a player connects, and the token for it. */
  adapter(request: TokenRequest): string {
    return livekitOf(this.#options.transport).adapter(request)
  }
}

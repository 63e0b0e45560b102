import type { Clock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import type { Storage } from '../adapters/storage.ts'
import { Presenters } from '../cast/presenters.ts'
import { SealedWallets } from '../cast/sealed-wallets.ts'
import type { GatekeeperConfig } from '../config.ts'
import type { RoomControl } from '../livekit/room-control.ts'
import type { Moderation } from '../moderation.ts'
import { StreamKeys } from './stream-keys.ts'
import { StreamUpkeep } from './stream-upkeep.ts'

/** What streams stand on. */
export interface StreamsOptions {
  moderation: Moderation
  storage: Storage
  /** Undefined where the rooms are not those of a LiveKit. */
  control: RoomControl | undefined
  clock: Clock
  log: Log
}

/** Starts what people need to stream to scenes, and to watch and present there. */
export function startStreams(config: GatekeeperConfig, { moderation, storage, control, clock, log }: StreamsOptions) {
  const { bans, sceneBans, changes, decisions, streams } = moderation
  const rooms = control?.rooms
  const upkeep = new StreamUpkeep({
    ...{ records: streams, rooms, clock, log },
    isBanned: (wallet, placeId) => bans.against({ address: wallet }) !== undefined || sceneBans.placesOf(wallet).has(placeId),
    onEnd: () => void control?.guard.sweep(),
  })
  const stopListening = changes.on(() => upkeep.endOfBanned())
  control?.listen(upkeep.onEvent)
  const presenters = new Presenters({ database: storage.database, decisions, control, log })
  return {
    streamKeys: new StreamKeys({ records: streams, rooms, clock, onEnd: () => upkeep.ended() }),
    presenters,
    sealedWallets: config.LIVEKIT_API_SECRET ? new SealedWallets(config.LIVEKIT_API_SECRET) : undefined,
    endOfBanned: () => upkeep.endOfBanned(),
    stop: () => {
      stopListening()
      return upkeep.stop()
    },
  }
}

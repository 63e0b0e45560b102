import type { WebhookEvent } from 'livekit-server-sdk'
import type { Clock } from '../../chassis/clock.ts'
import { type Route, route } from '../../chassis/http.ts'
import { type Running, stopAll } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import type { Metrics } from '../../chassis/metrics.ts'
import { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import { livekitWebhookRoute } from '../api/room-routes.ts'
import { SealedWallets } from '../cast/sealed-wallets.ts'
import type { GatekeeperConfig } from '../config.ts'
import { castIdentityOf } from '../core/cast-identities.ts'
import { type RoomUse, roomPrefixesOf, useOf, walletOf } from '../core/room-names.ts'
import type { GatekeeperMetrics } from '../metrics.ts'
import type { ModerationChange, ModerationChanges } from '../moderation-changes.ts'
import type { WorldList } from '../worlds/world-list.ts'
import { RoomGuard, type RoomGuardOptions } from './room-guard.ts'
import { RoomMetadata, type RoomMetadataOptions } from './room-metadata.ts'
import { WebhookWatch, type WebhookWatchOptions } from './webhook-watch.ts'
import { livekitWebhook, type RoomEventListener } from './webhooks.ts'

export interface RoomControlOptions
  extends Pick<RoomGuardOptions, 'isExpelled'>,
    Pick<RoomMetadataOptions, 'places' | 'readPlace' | 'hasBans'>,
    Pick<WebhookWatchOptions, 'database'> {
  worlds: Pick<WorldList, 'useOf'>
  changes: Pick<ModerationChanges, 'on'>
  clock: Clock
  log: Log
  metrics: Metrics
  counted: GatekeeperMetrics
}

/** What a gatekeeper does in the rooms of its LiveKit. */
export interface RoomControl extends Running {
  rooms: LivekitRooms
  guard: RoomGuard
  metadata: RoomMetadata
  webhooks: Pick<WebhookWatch, 'state'>
  /** Undefined for a room of others. */
  useOf(room: string): RoomUse | undefined
  /** Adds a part that acts on the events of rooms. */
  listen(listener: RoomEventListener): void
  /** The endpoint of webhooks. */
  routes: readonly Route[]
}

/** Undefined where the rooms are not those of a LiveKit. */
export function startRoomControl(
  config: GatekeeperConfig,
  { isExpelled, database, worlds, places, readPlace, hasBans, changes, clock, log, metrics, counted }: RoomControlOptions,
): RoomControl | undefined {
  const { LIVEKIT_HOST: host, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = config
  if (!host || !apiKey || !apiSecret) return undefined
  const rooms = new LivekitRooms({ url: config.LIVEKIT_API_URL ?? livekitUrl(host), apiKey, apiSecret, clock, log, metrics })
  const prefixes = roomPrefixesOf(config)
  const useOfRoom = (room: string) => worlds.useOf(room) ?? useOf(room, prefixes)
  const metadata = new RoomMetadata({ rooms, useOf: useOfRoom, places, readPlace, hasBans, clock, log })
  const sealed = new SealedWallets(apiSecret)
  const participantOf = (identity: string) => {
    const cast = castIdentityOf(identity)
    if (cast && 'keyId' in cast) return { wallet: undefined, keyId: cast.keyId }
    const wallet = cast ? sealed.open(cast.sealedWallet) : walletOf(identity)
    return wallet && { wallet }
  }
  const webhooks = new WebhookWatch({ database, clock, log })
  const guard = new RoomGuard({
    ...{ rooms, useOf: useOfRoom, participantOf, isExpelled, clock, log, metrics: counted },
    onRooms: (own) => {
      void metadata.check(own)
      void webhooks.look(own)
    },
    beforeRemoval: ({ room }) => metadata.settleSoon(room),
  })
  const stopListening = changes.on((change) => carryOut(change, { guard, metadata }))
  const listeners: RoomEventListener[] = [() => void webhooks.received(), (event) => watchRooms({ guard, metadata }, event)]
  return {
    rooms,
    guard,
    metadata,
    webhooks,
    useOf: useOfRoom,
    listen: (listener) => listeners.push(listener),
    routes: [
      route(
        livekitWebhookRoute.method,
        livekitWebhookRoute.path,
        livekitWebhook({ apiKey, apiSecret, listeners, log, metrics: counted }),
      ),
    ],
    stop: async () => {
      stopListening()
      await stopAll(log, metadata, guard).stop()
    },
  }
}

/** The URL of a LiveKit that is configured by its host alone. */
export const livekitUrl = (host: string): string => (/^wss?:\/\//.test(host) ? host : `wss://${host}`)

/** The metadata is written before or with the removal: by it, explorers hide the player, and Godot leaves by itself. */
async function carryOut(change: ModerationChange, { guard, metadata }: Pick<RoomControl, 'guard' | 'metadata'>): Promise<void> {
  if (!('placeId' in change)) return
  if (change.room !== undefined) await metadata.settleSoon(change.room)
  await Promise.all([
    metadata.placesChanged(new Set([change.placeId])),
    change.kind === 'sceneBanned' ? guard.sweep() : undefined,
  ])
}

async function watchRooms(
  { guard, metadata }: Pick<RoomControl, 'guard' | 'metadata'>,
  { event, room, participant, createdAt }: WebhookEvent,
): Promise<void> {
  if (event === 'room_started' && room) void metadata.settleSoon(room.name)
  if (event !== 'participant_joined' || !room || !participant) return
  void metadata.settleIfOld(room.name, room.metadata)
  await guard.joined(room.name, participant.identity, Number(participant.joinedAt || createdAt) * 1_000)
}

import { Refusal } from '../chassis/errors.ts'
import { ok } from '../chassis/http.ts'
import { type ApiHandlers, noContent } from './api/declaration.ts'
import { walletIn } from './api/path-wallet.ts'
import type { serviceRoutes } from './api/service-routes.ts'
import type { BanList } from './ban-list.ts'
import type { ConnectionRecorder } from './connection-recorder.ts'
import { deviceIdOf } from './core/scene-access.ts'
import { parcelOf } from './core/scene-location.ts'
import type { SceneGate } from './scenes/scene-gate.ts'

/** What other services ask. */
export interface ServiceHandlersOptions {
  bans: Pick<BanList, 'known' | 'against'>
  sceneGate: Pick<SceneGate, 'isBanned'>
  connections: Pick<ConnectionRecorder, 'record'>
}

/** Handlers of the routes of other services. */
export const serviceHandlers = ({ bans, sceneGate, connections }: ServiceHandlersOptions): ApiHandlers<typeof serviceRoutes> => ({
  banStatus({ params, http }) {
    const address = walletIn(params.address)
    if (!bans.known) throw new Refusal('UNAVAILABLE', 'Bans cannot be looked up now')
    return ok({ isBanned: bans.against({ address, deviceId: deviceIdOf(http.headers['x-device-id']) }) !== undefined })
  },
  async worldBanStatus({ params }) {
    const [address, parcel] = [walletIn(params.address), parcelOf(params.parcel)]
    if (!parcel) throw new Refusal('INVALID', 'Invalid parcel')
    const location = { world: params.world.toLowerCase(), sceneId: undefined, parcel }
    return ok({ isBanned: await sceneGate.isBanned(address, location) })
  },
  connectionInfo({ params, body: { ipAddress, deviceId } }) {
    connections.record({ address: walletIn(params.address), ipAddress, deviceId: deviceIdOf(deviceId) })
    return noContent
  },
})

import { UserError } from '../../cells/chassis/errors.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { keyText } from '../../crds/object.ts'
import type { Realm } from '../../crds/realm.ts'
import { gatekeeperRealmOf, isGuest } from '../../crds/world.ts'
import type { Manifest } from '../manifest.ts'
import { findLivekitServer, type LivekitServer, startLivekitServer } from './livekit-server.ts'

/** Which server a realm's rooms use on this machine; `why` is shown to the user. */
export type RoomBackend =
  | { kind: 'livekit'; url: string; apiKey: string; apiSecret: string; why: string }
  | { kind: 'embedded'; why: string }

export interface RoomBackendOptions {
  /** `auto` takes LiveKit where one is found; `embedded` never does; with `livekit` it is an error when none is found. */
  rooms: 'auto' | 'embedded' | 'livekit'
  /** A LiveKit to use instead of the one in the manifest. */
  livekit?: { url: string; apiKey: string; apiSecret: string }
  /** Address a LiveKit started here listens on. */
  host: string
  env: NodeJS.ProcessEnv
  log: Log
}

/** Chooses a server for each realm; starts at most one LiveKit server, and stops it. */
export interface RoomBackendChooser {
  /**
   * @param webhookUrl where a server that is started sends the events of its rooms
   * @throws UserError when LiveKit is required and none is found
   */
  choose(realm: Realm, secrets: Manifest['secrets'], webhookUrl: string): Promise<RoomBackend>
  /** The servers it started may end from now on: the realms are being stopped. */
  letEnd(): Promise<void>
  stop(): Promise<void>
}

/** Order: the options, the manifest, a livekit-server of this machine, embedded rooms. */
export function createRoomBackendChooser({ rooms, livekit, host, env, log }: RoomBackendOptions): RoomBackendChooser {
  let started: Promise<LivekitServer | Error> | undefined

  async function ownServer(reason: string, webhookUrl: string): Promise<RoomBackend> {
    const binary = findLivekitServer(env)
    if (!binary) return without(`${reason}, and no livekit-server is on PATH or was built here before`)
    started ??= startLivekitServer(binary, host, log, [webhookUrl]).catch((error: Error) => error)
    const server = await started
    if (server instanceof Error) return without(`${reason}, but ${server.message}`)
    return {
      kind: 'livekit',
      url: server.url,
      apiKey: server.apiKey,
      apiSecret: server.apiSecret,
      why: `${reason}: started ${binary}`,
    }
  }

  function without(why: string): RoomBackend {
    if (rooms === 'livekit') throw new UserError(`--rooms livekit is not possible: ${why}`, 4)
    return { kind: 'embedded', why }
  }

  return {
    async choose(realm, secrets, webhookUrl) {
      const { type, url, credentials } = realm.spec.livekit
      if (isGuest(realm)) return { kind: 'embedded', why: `they are those of the Realm ${gatekeeperRealmOf(realm)}` }
      if (rooms === 'embedded') return { kind: 'embedded', why: '--rooms embedded' }
      if (livekit) return { kind: 'livekit', ...livekit, why: '--livekit' }
      if (type === 'None') return without('the manifest says livekit.type None')
      if (type === 'Managed') return ownServer('the manifest says livekit.type Managed', webhookUrl)
      const name = keyText({ namespace: realm.metadata.namespace, name: credentials?.secretName ?? '' })
      const { apiKey, apiSecret } = secrets.get(name) ?? {}
      if (url && apiKey && apiSecret) return { kind: 'livekit', url, apiKey, apiSecret, why: 'the manifest names it' }
      return ownServer(`the Secret ${name} with apiKey and apiSecret is not in the manifest`, webhookUrl)
    },
    async letEnd() {
      const server = await started
      if (server && !(server instanceof Error)) server.letEnd()
    },
    async stop() {
      const server = await started
      if (server && !(server instanceof Error)) await server.stop()
    },
  }
}

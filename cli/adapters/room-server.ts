import { UserError } from '../../cells/chassis/errors.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { keyText } from '../../crds/object.ts'
import type { Realm } from '../../crds/realm.ts'
import type { Manifest } from '../manifest.ts'
import { findLivekitServer, type LivekitServer, startLivekitServer } from './livekit-server.ts'

/** What a realm's rooms are made of on this machine, and why. */
export type Media =
  | { kind: 'livekit'; url: string; apiKey: string; apiSecret: string; why: string }
  | { kind: 'embedded'; why: string }

/** What the person at the keyboard asked for. */
export interface MediaOptions {
  /** `auto` takes LiveKit where one is to be had; `embedded` never does; `livekit` insists. */
  rooms: 'auto' | 'embedded' | 'livekit'
  /** A LiveKit to use instead of whatever the manifest says. */
  livekit?: { url: string; apiKey: string; apiSecret: string }
  /** Address a LiveKit started here listens on. */
  host: string
  env: NodeJS.ProcessEnv
  log: Log
}

/** Chooses, once for each realm, and keeps the LiveKit server it started. */
export interface MediaChooser {
  /** @throws UserError when LiveKit was insisted on and none is to be had */
  choose(realm: Realm, secrets: Manifest['secrets']): Promise<Media>
  stop(): Promise<void>
}

/** Order: what was asked for, what the manifest says, a livekit-server of this machine, embedded rooms. */
export function createMediaChooser({ rooms, livekit, host, env, log }: MediaOptions): MediaChooser {
  let started: Promise<LivekitServer | Error> | undefined

  async function ownServer(reason: string): Promise<Media> {
    const binary = findLivekitServer(env)
    if (!binary) return without(`${reason}, and no livekit-server is on PATH or was built here before`)
    started ??= startLivekitServer(binary, host, log).catch((error: Error) => error)
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

  function without(why: string): Media {
    if (rooms === 'livekit') throw new UserError(`--rooms livekit cannot be had: ${why}`, 4)
    return { kind: 'embedded', why }
  }

  return {
    async choose(realm, secrets) {
      const { type, url, credentials } = realm.spec.livekit
      if (rooms === 'embedded') return { kind: 'embedded', why: '--rooms embedded' }
      if (livekit) return { kind: 'livekit', ...livekit, why: '--livekit' }
      if (type === 'None') return without('the manifest says livekit.type None')
      if (type === 'Managed') return ownServer('the manifest says livekit.type Managed')
      const name = keyText({ namespace: realm.metadata.namespace, name: credentials?.secretName ?? '' })
      const { apiKey, apiSecret } = secrets.get(name) ?? {}
      if (url && apiKey && apiSecret) return { kind: 'livekit', url, apiKey, apiSecret, why: 'the manifest names it' }
      return ownServer(`the Secret ${name} with apiKey and apiSecret is not in the manifest`)
    },
    async stop() {
      const server = await started
      if (server && !(server instanceof Error)) await server.stop()
    },
  }
}

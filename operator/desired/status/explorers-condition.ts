import type { Realm, RealmReasons } from '../../../crds/realm.ts'
import type { RealmUrls } from '../urls.ts'
import type { ConditionDraft } from './conditions.ts'

type Reason = RealmReasons['ExplorersSupported']

/**
 * Which explorers can enter a realm, by what its spec says: Unity opens no socket without TLS, and rooms of the cells themselves are for Bevy
 * only. It is reported, and changes nothing the operator does: the realm works for the others.
 */
export function explorersCondition(realm: Realm, urls: Pick<RealmUrls, 'slot'>): ConditionDraft<RealmReasons> {
  const type = 'ExplorersSupported'
  const no = (reason: Reason, ...sentences: string[]) =>
    ({ type, status: 'False', reason, message: sentences.join('; ') }) as const
  const { exposure, livekit } = realm.spec
  const hasTls = urls.slot(0).startsWith('wss:')
  const tls = hasTls ? [] : [noTls(realm)]
  if (livekit.type === 'None')
    return no('EmbeddedRooms', 'livekit.type is None: only explorers of Bevy enter rooms of the cells themselves', ...tls)
  if (exposure.host === undefined && exposure.url === undefined)
    return no(
      'InsideClusterOnly',
      'explorers outside the cluster cannot reach the realm: set exposure.host, or exposure.url',
      ...tls,
    )
  if (!hasTls) return no('NoTls', ...tls)
  return { type, status: 'True', reason: 'AllExplorers', message: 'Unity, Bevy and Godot explorers can enter' }
}

const noTls = ({ spec: { exposure } }: Realm): string =>
  `explorers of Unity cannot enter over ws://, without TLS: ${exposure.url ? 'use an exposure.url with https' : 'set exposure.tlsSecretName'}`

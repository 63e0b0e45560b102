import type { Realm, RealmReasons } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import { awaitsAddress } from '../load-balancer.ts'
import type { RealmUrls } from '../urls.ts'
import type { ConditionDraft } from './conditions.ts'

type Reason = RealmReasons['ExplorersSupported']

/**
 * Which explorers can enter a realm, by what its spec says: Unity opens no socket without TLS, and rooms of the cells themselves are for Bevy
 * only. It is reported, and changes nothing the operator does: the realm works for the others.
 *
 * @param urls of the realm; of a world, those of the Realm whose gatekeeper serves it
 * @param host that Realm, where it is another one
 * @param isInCluster false where `realmctl up` serves the realm on one port of a machine, and the fields of `exposure` have no effect
 */
export function explorersCondition(
  realm: Realm,
  urls: Pick<RealmUrls, 'slot'>,
  { host = realm, isInCluster }: { host?: Realm | undefined; isInCluster: boolean },
): ConditionDraft<RealmReasons> {
  const type = 'ExplorersSupported'
  const no = (reason: Reason, ...sentences: string[]) =>
    ({ type, status: 'False', reason, message: sentences.join('; ') }) as const
  const { exposure, livekit } = host.spec
  const hasTls = urls.slot(0).startsWith('wss:')
  const tls = hasTls
    ? []
    : [`explorers of Unity cannot enter over ws://, without TLS: ${isInCluster ? tlsRemedy(host) : LOCAL_TLS_REMEDY}`]
  if (livekit.type === 'None')
    return no('EmbeddedRooms', `livekit.type is None: only explorers of Bevy enter rooms of ${ownerOfRooms(realm)}`, ...tls)
  if (isInCluster && awaitsAddress(host))
    return no(
      'InsideClusterOnly',
      'explorers outside the cluster can reach the realm once its load balancer has an address',
      ...tls,
    )
  if (isInCluster && exposure.host === undefined && exposure.url === undefined)
    return no(
      'InsideClusterOnly',
      'explorers outside the cluster cannot reach the realm: set exposure.host, or exposure.url',
      ...tls,
    )
  if (isInCluster && livekit.type === 'Managed' && !livekit.service && !livekit.url)
    return no('InsideClusterOnly', LIVEKIT_INSIDE, ...tls)
  if (!hasTls) return no('NoTls', ...tls)
  if ((realm.spec.world?.scenes.length ?? 0) > 1) return no('SeveralScenes', SEVERAL_SCENES)
  return { type, status: 'True', reason: 'AllExplorers', message: 'Unity, Bevy and Godot explorers can enter' }
}

const LIVEKIT_INSIDE =
  'explorers outside the cluster enter the realm, and cannot reach its LiveKit: set livekit.service, or name a LiveKit of yours'

const ownerOfRooms = (realm: Realm): string => (isWorldRealm(realm) ? 'a gatekeeper' : 'the cells themselves')

const SEVERAL_SCENES =
  'of a world with several scenes, explorers of Unity ask the server of Decentraland for the rooms of each scene'

function tlsRemedy({ spec: { exposure } }: Realm): string {
  if (exposure.url) return 'use an exposure.url with https'
  if (exposure.type === 'LoadBalancer') return BALANCER_TLS_REMEDY
  return exposure.type === 'Gateway'
    ? 'set exposure.tls: Terminated where the listener of the Gateway has a certificate'
    : 'set exposure.tlsSecretName, or exposure.tls: Terminated where TLS ends in front of the Ingress'
}

const BALANCER_TLS_REMEDY =
  'set exposure.host, and exposure.tlsSecretName, or exposure.tls: Terminated where TLS ends at the load balancer'
const LOCAL_TLS_REMEDY = 'put a proxy with TLS in front, and give its address as --public-url'

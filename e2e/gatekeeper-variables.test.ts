import { expect, test } from 'vitest'
import { gatekeeperVariables } from '../cells/gatekeeper/config.ts'
import type { RealmSpec } from '../crds/realm.ts'
import { aRealm, aRealmWithoutLivekit, site } from '../operator/desired/realm.fixtures.ts'
import { gatekeeperSettings } from '../operator/desired/settings.ts'

const url = 'https://service.example.org'
const secret = { name: 'secret', key: 'token' }

const world: RealmSpec['world'] = {
  scenes: [`urn:decentraland:entity:bafk?=&baseUrl=${url}/`],
  access: { type: 'Public' },
  capacity: 10,
}
/** Realms that set every field from which a setting of the gatekeeper follows. */
const realms = [
  aRealmWithoutLivekit(),
  aRealmWithoutLivekit({
    mode: 'World',
    world,
    exposure: { type: 'Ingress', host: 'plaza.example.org', maxConnectionsPerAddress: 7 },
  }),
  aRealm({
    gatekeeper: {
      ...{ denyList: url, ethereum: url, places: url, worlds: url, leases: url, social: url },
      ...{ moderators: [`0x${'a'.repeat(40)}`], moderatorTokenSecret: secret, serviceTokenSecret: secret },
      ...{ authoritativeServer: `0x${'b'.repeat(40)}`, localPreview: true, cast: url },
      retention: { connectionDays: 7, moderationDays: 90 },
      database: { type: 'External', secret: { name: 'postgres', key: 'url' }, caSecretName: 'postgres-ca' },
    },
    livekit: { type: 'Managed' },
    content: { catalysts: [url] },
    exposure: { url: `${url}/main`, trustedProxies: { cidrs: ['10.0.0.0/8'], hops: 1 } },
  }),
  ...(['Password', 'CredentialsFile', 'NkeySeed', 'Token'] as const).map((type) =>
    aRealm({
      nats: { type: 'External', urls: ['tls://bus:4222'], credentials: { secretName: 'bus', type }, caSecretName: 'ca' },
    }),
  ),
]

const POD = 'the operator gives it to every pod'
const BY_HAND = 'rarely of use: spec.gatekeeper.pods.env'
/** Variables that follow from no field of a Realm, and why. */
const withoutField: Readonly<Record<string, string>> = {
  HTTP_SERVER_HOST: 'all addresses, in any pod',
  HTTP_SERVER_PORT: POD,
  ROUTES_SETTLE_SECONDS: POD,
  COMMIT_HASH: 'in the image',
  CURRENT_VERSION: 'in the image',
  LOG_LEVEL: BY_HAND,
  PROFILE_FOLDER: BY_HAND,
  TRUST_CF_CONNECTING_IP: `${BY_HAND}, because others than Cloudflare can write this header`,
  COMMS_ROOM_PREFIX: `${BY_HAND}: only beside a worlds content server with another prefix`,
  VOICE_CHAT_INITIAL_CONNECTION_TTL: BY_HAND,
  VOICE_CHAT_CONNECTION_INTERRUPTED_TTL: BY_HAND,
  COMMUNITY_VOICE_CHAT_NO_MODERATOR_TTL: BY_HAND,
  WORLD_ROOM_PREFIX: `${BY_HAND}: only beside a worlds content server with another prefix`,
}

test('each variable of the gatekeeper follows from a field of the Realm, or there is a reason why not', () => {
  const set = new Set(realms.flatMap((realm) => Object.keys(gatekeeperSettings(realm, site))))
  // A Secret is mounted, and the variable names its file.
  const isSet = (name: string) => set.has(name) || set.has(name.replace(/_FILE$/, ''))
  expect(Object.keys(gatekeeperVariables.shape).filter((name) => !isSet(name))).toEqual(
    Object.keys(gatekeeperVariables.shape).filter((name) => name in withoutField),
  )
  expect(Object.keys(withoutField).filter((name) => !(name in gatekeeperVariables.shape))).toEqual([])
})

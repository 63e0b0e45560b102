import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { archipelagoVariables, readConfig as readArchipelagoConfig } from '../cells/archipelago/config.ts'
import { readStatistics } from '../cells/compact/config.ts'
import { connectorVariables, readConfig as readConnectorConfig } from '../cells/connector/config.ts'
import { statsVariables } from '../cells/stats/config.ts'
import { environmentOf, SECRETS_FOLDER } from '../operator/desired/manifests/pod.ts'
import { aCell, aRealm, aRealmWithoutLivekit, compact } from '../operator/desired/realm.fixtures.ts'
import { compactSettings } from '../operator/desired/settings.ts'
import { freshFolder } from '../testing/fresh-folder.ts'

const url = 'https://service.example.org'
const realms = [
  aRealmWithoutLivekit({ gatekeeper: { denyList: url, ethereum: url }, content: { catalysts: [url] } }),
  ...(['Password', 'CredentialsFile', 'NkeySeed', 'Token'] as const).map((type) =>
    aRealm({
      nats: { type: 'External', urls: ['tls://bus:4222'], credentials: { secretName: 'bus', type }, caSecretName: 'ca' },
      exposure: { trustedProxies: { cidrs: ['10.0.0.0/8'], hops: 1 }, maxConnectionsPerAddress: 7 },
    }),
  ),
]

test.each(realms.map((realm) => [realm.spec.nats.credentials?.type ?? 'Managed', realm] as const))(
  'a process of a Compact cell with a NATS of type %s understands every variable that the operator sets',
  (_, realm) => {
    const { env } = environmentOf(compactSettings(aCell(compact(realm))))
    const known = [connectorVariables, archipelagoVariables, statsVariables].flatMap(({ shape }) => Object.keys(shape))
    const names = env.map(({ name }) => name.replace(/^STATS_/, ''))
    expect(names.filter((name) => !known.includes(name) && !known.includes(name.replace(/_FILE$/, '')))).toEqual([])
    const folder = freshFolder()
    const given = Object.fromEntries(env.map(({ name, value = '' }) => [name, value.replace(SECRETS_FOLDER, folder)]))
    for (const path of Object.values(given).filter((value) => value.startsWith(folder))) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, 'x')
    }
    const { NATS_PASSWORD_FILE, BUS_SCOPE } = readConnectorConfig(given)
    expect(readArchipelagoConfig(given)).toMatchObject({ BUS_SCOPE })
    const statistics = readStatistics(given)
    expect([BUS_SCOPE, statistics?.BUS_SCOPE]).toEqual(['metaverse.main.0', 'metaverse.main.*'])
    const isManaged = realm.spec.nats.type === 'Managed'
    if (isManaged) expect(statistics?.NATS_PASSWORD_FILE).toMatch(/\/stats$/)
    else expect(statistics?.NATS_PASSWORD_FILE).toBe(NATS_PASSWORD_FILE)
  },
)

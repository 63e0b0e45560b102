import { expect, test } from 'vitest'
import { hasRealmToken, realmKeyId } from '../../../cells/identity/realm-token.ts'
import { keyText } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { desiredCell } from '../../desired/cells/cell-manifest.ts'
import type { CreatedSecret } from '../../desired/manifests/kube-manifest.ts'
import { aRealm, site } from '../../desired/realm.fixtures.ts'
import { RealmTokens } from './realm-tokens.ts'

const KEY = 'a-key-of-this-site'
const reporting = { ...site, sessionReports: { url: 'http://relay:8080', keyId: realmKeyId(KEY) } }

function aRealmOf(
  namespace: string,
  realmName: string,
  createdAt: string,
  movement: Realm['spec']['movement'] = { type: 'Managed' },
): Realm {
  const realm = aRealm({ movement })
  const metadata = { ...realm.metadata, namespace, uid: `${namespace}/${realmName}`, creationTimestamp: createdAt }
  return { ...realm, metadata, spec: { ...realm.spec, realmName } }
}

async function secretsFor(realms: Realm[], of = reporting) {
  const created: CreatedSecret[] = []
  const tokens = new RealmTokens({
    key: KEY,
    cache: {
      keys: () => realms.map(({ metadata }) => metadata),
      realm: (key) => realms.find(({ metadata }) => keyText(metadata) === keyText(key)),
    },
    writer: { createSecret: async (secret) => void created.push(secret as CreatedSecret) },
  })
  for (const realm of [...realms, ...realms])
    await tokens.ensure(realm, [desiredCell({ realm, site: of, connectorsOf: () => undefined }, 0)])
  return created
}

test('a realm whose cells report gets its token once, in the Secret that its cells name', async () => {
  const realm = aRealmOf('tenant', 'Main', '2026-01-01T00:00:00Z')
  const [secret, ...others] = await secretsFor([realm])
  const { movement } = desiredCell({ realm, site: reporting, connectorsOf: () => undefined }, 0).spec
  expect(movement).toEqual({ reportsUrl: 'http://relay:8080/realms/Main', secretName: secret?.metadata.name })
  expect(secret?.metadata).toMatchObject({ namespace: 'tenant', ownerReferences: [{ kind: 'Realm' }] })
  expect(hasRealmToken(`Bearer ${secret?.values.token}`, [KEY], 'main')).toBe(true)
  expect(others).toEqual([])
})

test('of realms that the relay cannot tell apart only the oldest gets the token', async () => {
  const realms = [aRealmOf('stranger', 'MAIN', '2026-02-01T00:00:00Z'), aRealmOf('tenant', 'main', '2026-01-01T00:00:00Z')]
  expect((await secretsFor(realms)).map(({ metadata }) => metadata.namespace)).toEqual(['tenant'])
})

test('a realm with another relay, or of an installation whose relay takes no reports, gets none', async () => {
  const external = aRealmOf('tenant', 'main', '2026-01-01T00:00:00Z', { type: 'External', host: 'relay.example.org' })
  expect(await secretsFor([external])).toEqual([])
  expect(await secretsFor([aRealmOf('tenant', 'main', '2026-01-01T00:00:00Z')], site as typeof reporting)).toEqual([])
})

import { expect, test } from 'vitest'
import { desiredCell, updatedCell } from './cells/cell-manifest.ts'
import { connectorDeployment } from './manifests/deployment.ts'
import { networkPolicies } from './manifests/networkpolicy.ts'
import { movementStatus, relayOf } from './movement.ts'
import { planCell } from './plan.ts'
import { aRealm, platform, site } from './realm.fixtures.ts'

const ofInstallation = { host: 'pulse-server.example.org', port: 7777 }
const aboutUrl = 'https://realms.example.org/main/about'

test('a realm that names no relay uses that of the installation, if there is one', () => {
  expect(relayOf(aRealm(), ofInstallation)).toEqual({ address: ofInstallation, isManaged: true })
  expect(relayOf(aRealm(), undefined)).toBeUndefined()
})

test('a realm with a relay of its own uses that, and one that asks for none has none', () => {
  const external = aRealm({ movement: { type: 'External', host: '[2001:db8::7]:30777' } })
  expect(relayOf(external, ofInstallation)).toEqual({ address: { host: '2001:db8::7', port: 30_777 }, isManaged: false })
  expect(relayOf(aRealm({ movement: { type: 'None' } }), ofInstallation)).toBeUndefined()
})

test('each explorer is pointed at the relay in its own way', () => {
  expect(movementStatus(ofInstallation, aboutUrl)).toEqual({
    host: 'pulse-server.example.org:7777',
    bevy: 'PULSE_SERVER=pulse-server.example.org:7777',
    godot: 'decentraland://?realm=https://realms.example.org/main&pulse-server=pulse-server.example.org:7777',
    unity:
      'name server or hosts file of its network: pulse-server.decentraland.org leads to pulse-server.example.org; or --base-domain example.org',
  })
  expect(movementStatus({ host: '203.0.113.7', port: 7777 }, aboutUrl).unity).toBe(
    'name server or hosts file of its network: pulse-server.decentraland.org leads to 203.0.113.7',
  )
  expect(movementStatus({ host: '203.0.113.7', port: 30_777 }, aboutUrl).unity).toMatch(/^not possible/)
})

const reportsTo = (url: string) => ({ ...site, sessionReports: { url, keyId: '0a1b2c3d' } })
const cellOf = (realm = aRealm(), of = reportsTo('http://relay.site.svc:8080')) =>
  desiredCell({ realm, site: of, connectorsOf: () => undefined }, 0)

test('connectors report to the relay of the installation with a token whose Secret may come later', () => {
  const cell = cellOf()
  const [container] = connectorDeployment(cell, planCell(cell), platform).spec.template.spec?.containers ?? []
  expect(container?.env).toEqual(
    expect.arrayContaining([
      { name: 'MOVEMENT_URL', value: 'http://relay.site.svc:8080/realms/main' },
      { name: 'MOVEMENT_TOKEN_FILE', value: '/run/secrets/realm/main-movement-0a1b2c3d/token' },
    ]),
  )
  const { volumes } = connectorDeployment(cell, planCell(cell), platform).spec.template.spec ?? {}
  expect(volumes?.map(({ secret }) => [secret?.secretName, secret?.optional])).toContainEqual(['main-movement-0a1b2c3d', true])
  expect(volumes?.map(({ secret }) => [secret?.secretName, secret?.optional])).toContainEqual(['main-nats-users', undefined])
})

test('connectors of a realm with another relay, or of an installation without reports, report to none', () => {
  for (const cell of [cellOf(aRealm({ movement: { type: 'None' } })), cellOf(aRealm(), site as ReturnType<typeof reportsTo>)])
    expect(cell.spec.movement).toBeUndefined()
})

test('a cell that exists keeps reporting where it did, because a change would restart its connectors', () => {
  const inputs = { realm: aRealm(), site: reportsTo('http://moved:8080'), connectorsOf: () => undefined }
  const update = { isDesired: true, isScaled: false, desiredState: undefined }
  expect(updatedCell(inputs, cellOf(), update).spec.movement).toEqual(cellOf().spec.movement)
  expect(updatedCell(inputs, cellOf(aRealm(), site as ReturnType<typeof reportsTo>), update).spec.movement).toBeUndefined()
  expect(cellOf().spec.revision).toBe(cellOf(aRealm(), site as ReturnType<typeof reportsTo>).spec.revision)
})

test('the connectors of a Strict realm may connect to the relay beside the operator', () => {
  const realm = aRealm({ networkPolicy: { type: 'Strict' } })
  const policy = networkPolicies(realm, platform, [cellOf(realm)]).find(({ metadata }) => metadata.name === 'main-connector')
  expect(policy?.spec.egress).toContainEqual({
    to: [{ namespaceSelector: { matchExpressions: [expect.objectContaining({ values: [platform.namespace] })] } }],
    ports: [{ port: 8080, protocol: 'TCP' }],
  })
})

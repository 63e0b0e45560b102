import { expect, test } from 'vitest'
import { movementStatus, relayOf } from './movement.ts'
import { aRealm } from './realm.fixtures.ts'

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

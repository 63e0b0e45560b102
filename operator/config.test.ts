import { expect, test } from 'vitest'
import { platformOf, readConfig } from './config.ts'

const least = { IMAGE_REPOSITORY: 'ghcr.io/example/realm', PROVIDER_URL: 'http://realm-provider.realms.svc/' }

test('only the image of the services and the realm provider are required', () => {
  expect(readConfig(least)).toMatchObject({
    HTTP_SERVER_PORT: 8080,
    WATCH_NAMESPACES: [],
    CLUSTER_DOMAIN: 'cluster.local',
    WORKERS: 8,
  })
  expect(() => readConfig({})).toThrow(/IMAGE_REPOSITORY[\s\S]*PROVIDER_URL/)
})

test('the base URL of the realm provider loses a trailing slash', () => {
  expect(platformOf(readConfig(least), 'realm-system')).toMatchObject({
    providerUrl: 'http://realm-provider.realms.svc',
    imagePullPolicy: 'IfNotPresent',
  })
})

test.each([
  ['PROVIDER_URL', 'realm-provider'],
  ['IMAGE_PULL_POLICY', 'Sometimes'],
  ['WORKERS', '0'],
  ['HTTP_SERVER_PORT', '99999'],
  ['MOVEMENT_HOST', 'udp://relay.example.org'],
])('%s may not be %s', (name, value) => {
  expect(() => readConfig({ ...least, [name]: value })).toThrow(name)
})

test('an installation has a movement relay where its host is set, at the port that explorers know unless it names another', () => {
  expect(readConfig({ ...least, MOVEMENT_HOST: '' }).MOVEMENT_HOST).toBeUndefined()
  expect(readConfig({ ...least, MOVEMENT_HOST: 'pulse-server.example.org' }).MOVEMENT_HOST).toEqual({
    host: 'pulse-server.example.org',
    port: 7777,
  })
})

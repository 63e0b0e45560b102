import { expect, test } from 'vitest'
import { aRealm } from './realm.fixtures.ts'
import { adapterOf, clusterUrls, gatekeeperHostUrl } from './urls.ts'

const urlsOf = (...changes: Parameters<typeof aRealm>) => {
  const { slot, ...urls } = clusterUrls(aRealm(...changes), 'cluster.local', 'https://realms.example.org')
  return { ...urls, slot1: slot(1) }
}

test('behind an Ingress a realm is below its host, with TLS where a certificate is named', () => {
  expect(urlsOf({ exposure: { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls' } })).toEqual({
    about: 'https://realms.example.org/main/about',
    slot1: 'wss://main.example.org/cells/1',
    gatekeeper: 'https://main.example.org/gatekeeper',
    stats: 'https://main.example.org/stats',
  })
  expect(urlsOf({ exposure: { type: 'Ingress', host: 'main.example.org' } }).slot1).toBe('ws://main.example.org/cells/1')
})

test('where TLS ends in front of the Ingress, players are told to use it, at the hosts of the gatekeeper too', () => {
  const exposure = { type: 'Ingress', host: 'main.example.org', tls: 'Terminated' } as const
  expect(urlsOf({ exposure })).toMatchObject({
    slot1: 'wss://main.example.org/cells/1',
    gatekeeper: 'https://main.example.org/gatekeeper',
  })
  const realm = aRealm({ exposure, gatekeeper: { hosts: ['gk.example.org'] } })
  expect(gatekeeperHostUrl(realm, 'gk.example.org')).toBe('https://gk.example.org')
  expect(urlsOf({ exposure: { ...exposure, tls: 'None' } }).slot1).toBe('ws://main.example.org/cells/1')
})

test('where the realm provider has no URL for players, a realm with a host describes itself there', () => {
  const aboutOf = (changes: Parameters<typeof aRealm>[0], ...[provider, forPods]: [string, string?]) =>
    clusterUrls(aRealm(changes), 'cluster.local', provider, forPods).aboutAtHost
  const exposure = { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls' } as const
  const inside = 'http://realm-provider.realm-system.svc.cluster.local'
  expect(aboutOf({ exposure }, inside, inside)).toBe('https://main.example.org/about')
  expect(aboutOf({ exposure }, 'https://realms.example.org', inside)).toBeUndefined()
  expect(aboutOf({}, inside, inside)).toBeUndefined()
  // The gatekeeper of another realm serves the world, and that has no path for it.
  expect(
    aboutOf(
      { mode: 'World', world: { gatekeeperOf: 'other', scenes: [], access: { type: 'Public' }, capacity: 10 }, exposure },
      inside,
      inside,
    ),
  ).toBeUndefined()
})

test('behind a route of the user a realm is below its URL, including the path', () => {
  const { slot1, stats } = urlsOf({ exposure: { type: 'None', url: 'https://example.org/realms/main' } })
  expect([slot1, stats]).toEqual(['wss://example.org/realms/main/cells/1', 'https://example.org/realms/main/stats'])
})

test('without exposure a realm is reached through its Services', () => {
  expect(urlsOf()).toMatchObject({
    slot1: 'ws://main-slot-1.metaverse.svc.cluster.local/cells/1',
    gatekeeper: 'http://main-gatekeeper.metaverse.svc.cluster.local/gatekeeper',
  })
})

test('the about URL of a realm has the name that players see', () => {
  expect(urlsOf({ realmName: 'Genesis.City' }).about).toBe('https://realms.example.org/Genesis.City/about')
})

test('an adapter has the prefix that the Unity explorer expects', () => {
  expect(adapterOf('wss://h/cells/0')).toBe('archipelago:archipelago:wss://h/cells/0/ws')
})

import { expect, test } from 'vitest'
import { aRealm, aRealmWithoutLivekit } from '../realm.fixtures.ts'
import { gatekeeperIngress, realmIngress } from './ingress.ts'
import { ingressDefaults } from './ingress-defaults.ts'
import { realmPaths } from './realm-paths.ts'

const exposure = { type: 'Ingress', host: 'main.example.org' } as const
const defaultsOf = (realm = aRealm({ cells: { max: 2 } })) => ingressDefaults(realmPaths(realm))

/** What a controller is told for a socket, by the annotation, in seconds. */
const seconds = (annotation: string): number => Number(/(\d+)s?$/.exec(defaultsOf()[annotation] ?? '')?.[1])

// Connectors ping a client that is silent after 74 s, and send nothing to one that talks.
const PING_SECONDS = 74
const HOUR = 3600

test.each(['nginx.ingress.kubernetes.io/proxy-read-timeout', 'nginx.org/proxy-read-timeout'])(
  '%s, documented as a limit of what the server sends, is longer than a visit',
  (annotation) => {
    expect(seconds(annotation)).toBeGreaterThan(6 * HOUR)
  },
)

test('an idle time-out of both directions is longer than a silent client is left alone', () => {
  expect(seconds('alb.ingress.kubernetes.io/load-balancer-attributes')).toBeGreaterThan(2 * PING_SECONDS)
})

test('controllers that upgrade named connections only are told every path and every Service with sockets', () => {
  const ofRealm = (realm = aRealm()) => {
    const { 'nginx.org/websocket-services': services, 'projectcontour.io/websocket-routes': paths } = defaultsOf(realm)
    return [services, paths]
  }
  expect(ofRealm(aRealm({ cells: { max: 2 } }))).toEqual(['main-slot-0,main-slot-1', '/cells/0,/cells/1'])
  expect(ofRealm(aRealmWithoutLivekit({ cells: { max: 1 } }))).toEqual(['main-rooms-0,main-slot-0', '/cells/0/rooms,/cells/0'])
  const world = { scenes: ['urn:decentraland:entity:bafkscene'], access: { type: 'Public' as const }, capacity: 100 }
  expect(ofRealm(aRealm({ mode: 'World', world }))[0]).toBe('main-gatekeeper')
})

test('an annotation of the realm has precedence over a default, on each of its Ingresses', () => {
  const annotations = { 'alb.ingress.kubernetes.io/load-balancer-attributes': 'idle_timeout.timeout_seconds=120', team: 'a' }
  const realm = aRealm({ exposure: { ...exposure, annotations } })
  for (const ingress of [realmIngress(realm), gatekeeperIngress(realm, ['gk.example.org'])])
    expect(ingress?.metadata.annotations).toMatchObject({ ...annotations, 'nginx.org/proxy-read-timeout': '86400s' })
})

test('neither scaling nor the class changes the annotations of an Ingress', () => {
  const of = (replicas: number, className: string) =>
    realmIngress(aRealm({ exposure: { ...exposure, className }, cells: { replicas, max: 4 } }))?.metadata
  expect(of(4, 'traefik')).toEqual(of(1, 'nginx'))
})

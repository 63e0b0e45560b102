import { expect, test } from 'vitest'
import { aRealm, aRealmWithoutLivekit } from '../../operator/desired/realm.fixtures.ts'
import { destinationOf } from './forwarded-realm.ts'

const provider = { namespace: 'realm-operator', service: 'realm-operator-provider' }
const ledTo = (realm: ReturnType<typeof aRealm>, target: string) => {
  const found = destinationOf({ realm, provider }, target)
  return found && `${found.to.namespace}/${found.to.service}${found.target} ${found.content}`
}

test.for([
  ['/about', 'metaverse/main-stats/about about'],
  ['/main/about?catalyst=a', 'metaverse/main-stats/about?catalyst=a about'],
  ['/content/contents/Qm', 'metaverse/main-stats/content/contents/Qm any'],
  ['/main/lambdas/profiles', 'metaverse/main-stats/lambdas/profiles any'],
  ['/cells/0/ws', 'metaverse/main-slot-0/cells/0/ws player'],
  ['/main/cells/3/ws?a=b', 'metaverse/main-slot-3/cells/3/ws?a=b player'],
  ['/cells/0/rooms/I1', 'metaverse/main-rooms-0/cells/0/rooms/I1 any'],
  ['/gatekeeper/get-scene-adapter', 'metaverse/main-gatekeeper/gatekeeper/get-scene-adapter json'],
  ['/stats/peers', 'metaverse/main-stats/stats/peers any'],
  ['/console/snapshot', 'realm-operator/realm-operator-provider/console/snapshot any'],
  ['/cells/4/ws', undefined],
  ['/metrics', undefined],
  ['/aboutness', undefined],
  ['/rtc?access_token=a', undefined],
] as const)('%s of a city leads to %s', ([target, where]) => {
  expect(ledTo(aRealmWithoutLivekit(), target)).toBe(where)
})

test('signalling leads to the LiveKit that the operator runs, and not to that of others', () => {
  expect(ledTo(aRealm({ livekit: { type: 'Managed' } }), '/rtc/v1?access_token=a')).toBe(
    'metaverse/main-livekit/rtc/v1?access_token=a signalling',
  )
  expect(ledTo(aRealm(), '/rtc')).toBeUndefined()
})

test('a world is reached at its gatekeeper, and a guest at that of its host and at the realm provider', () => {
  const world = aRealm({ mode: 'World', livekit: { type: 'None' } })
  expect(ledTo(world, '/about')).toBe('metaverse/main-gatekeeper/about about')
  expect(ledTo(world, '/gatekeeper/rooms/a')).toBe('metaverse/main-gatekeeper/gatekeeper/rooms/a any')
  expect(ledTo(world, '/cells/0/ws')).toBeUndefined()
  const guest = { ...world, spec: { ...world.spec, world: { ...world.spec.world, gatekeeperOf: 'plaza' } } } as typeof world
  expect(ledTo(guest, '/gatekeeper/worlds/main/comms')).toBe('metaverse/plaza-gatekeeper/gatekeeper/worlds/main/comms json')
  expect(ledTo(guest, '/about')).toBe('realm-operator/realm-operator-provider/main/about about')
  expect(destinationOf({ realm: guest, provider: undefined }, '/about')).toBeUndefined()
})

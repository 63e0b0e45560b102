import { expect, test } from 'vitest'
import { routeOf } from './ingress-proxy.ts'

test.each([
  ['/at/metaverse/main/cells/3/ws', 'main-slot-3', '/cells/3/ws'],
  ['/at/metaverse/main/gatekeeper/ping', 'main-gatekeeper', '/gatekeeper/ping'],
  ['/at/metaverse/main/stats/islands?x=1', 'main-stats', '/stats/islands?x=1'],
  ['/at/metaverse/main/about', 'main-stats', '/about'],
  ['/at/metaverse/main/content/contents/x', 'main-stats', '/content/contents/x'],
  ['/main/about', undefined, '/main/about'],
  ['/at/metaverse', undefined, '/at/metaverse'],
])('the ingress proxy forwards %s to %s', (url, service, path) => {
  expect(routeOf(url)).toEqual({ service: service && { namespace: 'metaverse', name: service }, path })
})

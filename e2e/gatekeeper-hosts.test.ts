import { expect, test } from 'vitest'
import { declaredRoutes } from '../cells/gatekeeper/api/declared-routes.ts'
import { OF_GATEKEEPER } from '../operator/desired/manifests/realm-paths.ts'

test('further hosts of a gatekeeper lead to each route of its API, and to no metrics and no probes', () => {
  const segments = new Set(declaredRoutes.map(({ path }) => `/${path.split('/')[1]}`))
  expect(OF_GATEKEEPER).toEqual([...segments].sort())
})

import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import type { Realm } from '../../crds/realm.ts'
import { aRealm } from '../desired/fixtures.ts'
import type { Elsewhere } from '../observers/publication/elsewhere.ts'
import type { Cluster } from './cluster.ts'
import { FINALIZER, farewell, holdAsNeeded } from './finalizer.ts'
import type { ReconcilerParts } from './parts.ts'

const providers = [{ url: 'https://realms.example.org', ttlSeconds: 60 }]

function aWorld(isGone = false) {
  const clock = new ManualClock()
  const held: (readonly string[])[] = []
  const cluster = { hold: async (_: Realm, finalizers: readonly string[]) => void held.push(finalizers) } as unknown as Cluster
  const world = { isGone }
  const elsewhere = { withdraw: () => world.isGone } as unknown as Elsewhere
  const going = (finalizers: string[] = [FINALIZER]): Realm => {
    const realm = aRealm({ publication: { providers } })
    return { ...realm, metadata: { ...realm.metadata, finalizers, deletionTimestamp: new Date(clock.now()).toISOString() } }
  }
  return { clock, held, world, going, cluster, parts: { cluster, elsewhere, clock } as unknown as ReconcilerParts }
}

test('only a realm with providers elsewhere is held, and only for as long as it has them', async () => {
  const { cluster, held } = aWorld()
  await holdAsNeeded(cluster, aRealm())
  expect(held).toEqual([])
  await holdAsNeeded(cluster, aRealm({ publication: { providers } }))
  expect(held).toEqual([[FINALIZER]])
  const realm = aRealm()
  await holdAsNeeded(cluster, { ...realm, metadata: { ...realm.metadata, finalizers: ['others/finalizer', FINALIZER] } })
  expect(held.at(-1)).toEqual([])
})

test('a realm goes once its names are given back', async () => {
  const { world, held, parts, going } = aWorld()
  const realm = going()
  expect(await farewell(parts, realm)).toEqual({ afterMs: 30_000 })
  expect(held).toEqual([])
  world.isGone = true
  expect(await farewell(parts, realm)).toBe('on-change')
  expect(held).toEqual([[]])
})

test('a provider nobody reaches holds up the end of a realm no longer than the deadline', async () => {
  const { clock, held, parts, going } = aWorld()
  const realm = going()
  await farewell(parts, realm)
  clock.advance(29_000)
  expect(await farewell(parts, realm)).toEqual({ afterMs: 1_000 })
  clock.advance(1_000)
  await farewell(parts, realm)
  expect(held).toEqual([[]])
})

test('what others hold a realm by is none of our business', async () => {
  const { held, parts, going } = aWorld()
  expect(await farewell(parts, going(['others/finalizer']))).toBe('on-change')
  expect(held).toEqual([])
})

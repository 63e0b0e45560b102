import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { Realm } from '../../crds/realm.ts'
import { aRealm } from '../desired/realm.fixtures.ts'
import { GONE_AFTER_MS, type Installation, Installations, LOOK_INTERVAL_MS } from './installations.ts'
import { type LeaderLease, leaseOf, microTime, released, renewed } from './lease.ts'

const other: Installation = { lease: 'theirs/operator', scope: 'Cluster' }
const claimedBy = (operator?: Installation): Realm => ({ ...aRealm(), status: { ...(operator && { operator }) } })

/** An installation, and the Lease of another one, which is renewed as time passes. */
function anInstallation(scope: Installation['scope'] = 'Cluster') {
  const clock = new ManualClock()
  const world = { lease: undefined as LeaderLease | undefined, renews: true, isForbidden: false, reads: 0 }
  const left: string[] = []
  const renew = () => {
    world.lease = renewed(world.lease ?? leaseOf({ namespace: 'theirs', name: 'operator' }), 'them', 10_000, clock.now())
  }
  renew()
  const get = async () => {
    world.reads++
    if (world.isForbidden) throw new KubeError('GET', 403, {})
    return world.lease
  }
  const installations = new Installations({
    self: { lease: 'ours/operator', scope },
    client: { get: get as never },
    clock,
    onLeft: ({ metadata: { name } }, { lease }) => left.push(`${name} ${lease}`),
  })
  /** Looks at a realm as a reconciler does, for a time. */
  const pass = async (realm: Realm, ms: number) => {
    let manager: Installation | undefined
    for (let at = 0; at <= ms; at += 5_000) {
      if (world.renews) renew()
      manager = await installations.managerOf(realm)
      clock.advance(5_000)
    }
    return manager
  }
  return { installations, world, left, pass, clock }
}

test('a realm that none or this installation manages is its own, and no Lease is read for it', async () => {
  const { installations, world, left } = anInstallation()
  expect(await installations.managerOf(claimedBy())).toBeUndefined()
  expect(await installations.managerOf(claimedBy(installations.self))).toBeUndefined()
  expect([world.reads, left]).toEqual([0, []])
})

test('a realm of another installation is left alone while that is alive, which is said once', async () => {
  const { pass, left, world } = anInstallation()
  expect(await pass(claimedBy(other), 10 * GONE_AFTER_MS)).toEqual(other)
  expect(left).toEqual(['main theirs/operator'])
  expect(world.reads).toBeLessThanOrEqual((10 * GONE_AFTER_MS) / LOOK_INTERVAL_MS + 1)
})

test('it is taken over once the Lease of the other was not renewed for long, whatever its clock says', async () => {
  const { pass, world, clock } = anInstallation()
  await pass(claimedBy(other), 30_000)
  world.renews = false
  clock.jump(-3_600_000)
  expect(await pass(claimedBy(other), GONE_AFTER_MS - 60_000)).toEqual(other)
  expect(await pass(claimedBy(other), 80_000)).toBeUndefined()
})

test('one that was uninstalled before is gone at the first look, one that restarts is not', async () => {
  const { pass, world } = anInstallation()
  world.renews = false
  world.lease = released(world.lease as LeaderLease)
  expect(await pass(claimedBy(other), 0)).toEqual(other)
  const later = anInstallation()
  later.world.renews = false
  later.world.lease = released(later.world.lease as LeaderLease)
  later.world.lease.spec.renewTime = microTime(later.clock.now() - GONE_AFTER_MS - 1)
  expect(await later.pass(claimedBy(other), 0)).toBeUndefined()
})

test('a Lease that may not be read counts as alive', async () => {
  const { pass, world } = anInstallation()
  world.isForbidden = true
  expect(await pass(claimedBy(other), 3 * GONE_AFTER_MS)).toEqual(other)
})

test('an installation for one namespace takes over from one for the cluster, and never the other way round', async () => {
  const { pass, left } = anInstallation('Namespace')
  expect(await pass(claimedBy(other), 0)).toBeUndefined()
  const namespaced: Installation = { ...other, scope: 'Namespace' }
  expect(await pass(claimedBy(namespaced), 0)).toEqual(namespaced)
  expect(left).toEqual(['main theirs/operator'])
  expect(await anInstallation('Cluster').pass(claimedBy(namespaced), 0)).toEqual(namespaced)
})

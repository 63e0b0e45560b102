import { expect, test } from 'vitest'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { API_VERSION } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { startOperator, writesOf } from '../../testing/apiserver/bare-operator.ts'
import { startFaultyWire } from '../../testing/apiserver/faulty-wire.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { LeaderElector } from '../leader/elector.ts'
import type { LeaderLease } from '../leader/lease.ts'

withPart('kube', 'an election at a real API server', (part) => {
  const kube = useApiServer(part)

  /** Operators that compete for one lease, each with its own faulty connection. */
  function anElection() {
    const key = { namespace: kube.namespace, name: 'operator' }
    const story: string[] = []
    const candidate = async (identity: string) => {
      const wire = await startFaultyWire(Number(new URL(kube.api.access.server).port))
      const made = new LeaderElector({
        client: kube.api.client({ server: `https://127.0.0.1:${wire.port}` }),
        lease: key,
        identity,
        onElected: () => story.push(`${identity} leads`),
        onLost: () => story.push(`${identity} lost`),
        log: silentLog,
      })
      kube.stopAfterTest(() => made.stop(), wire.stop)
      made.start()
      return { candidate: made, wire }
    }
    return { key, story, candidate, lease: () => kube.user.get<LeaderLease>(resources.Lease, key) }
  }

  test('one of two operators leads, and hands over when it stops, long before its lease expires', async () => {
    const { story, candidate, lease } = anElection()
    const a = await candidate('a')
    await expect.poll(() => story).toEqual(['a leads'])
    await candidate('b')
    expect((await lease())?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    await a.candidate.stop()
    await expect.poll(() => story, { timeout: 10_000 }).toEqual(['a leads', 'a lost', 'b leads'])
    expect((await lease())?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
  })

  test('a leader whose connections die silently is replaced once its lease has expired, never before it has stopped leading', async () => {
    const { story, candidate } = anElection()
    const a = await candidate('a')
    await expect.poll(() => story).toEqual(['a leads'])
    const b = await candidate('b')
    await new Promise((resolve) => setTimeout(resolve, 500))
    a.wire.stall()
    const both: boolean[] = []
    const watch = setInterval(() => both.push(a.candidate.isLeader() && b.candidate.isLeader()), 5)
    await expect.poll(() => story, { timeout: 25_000 }).toEqual(['a leads', 'a lost', 'b leads'])
    clearInterval(watch)
    expect(both).not.toContain(true)
    a.wire.cut()
    a.wire.heal()
  })

  test('of two operators one writes; the other has complete caches and goes on where the first stopped', async () => {
    const { namespace } = kube
    const { story, candidate } = anElection()
    const declare = (name: string) =>
      kube.user.create(realmResource, {
        apiVersion: API_VERSION,
        kind: 'Realm',
        metadata: { name, namespace },
        spec: { livekit: { type: 'None' } },
      } as KubeObject)
    const a = await candidate('a')
    await expect.poll(() => story).toEqual(['a leads'])
    const b = await candidate('b')
    const [first, second] = [
      await startOperator(kube.api, namespace, a.candidate),
      await startOperator(kube.api, namespace, b.candidate),
    ]
    kube.stopAfterTest(first.stop, second.stop)
    await declare('one')
    await first.settled()
    expect(writesOf(first.client)).toBeGreaterThan(10)
    expect(writesOf(second.client)).toBe(0)
    expect(second.cluster.realm({ namespace, name: 'one' })?.status?.conditions).toBeDefined()
    const written = writesOf(first.client)
    await a.candidate.stop()
    await expect.poll(() => b.candidate.isLeader()).toBe(true)
    await declare('two')
    await expect.poll(() => kube.user.get(resources.Service, { namespace, name: 'two-slot-3' })).toBeDefined()
    expect(writesOf(first.client)).toBe(written)
  })
})

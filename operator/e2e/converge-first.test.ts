import { beforeEach, expect, test } from 'vitest'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { collectionPath } from '../../cells/kube/resources.ts'
import { type CommsCell, conditionOf } from '../../crds/realm.ts'
import { cellResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { site } from '../desired/realm.fixtures.ts'

const patient = { timeout: 40_000, interval: 20 }

withPart('kube', 'a change in the middle of another one, against a real API server', (part) => {
  const kube = useApiServer(part)
  let operator: Awaited<ReturnType<typeof startOperator>>

  beforeEach(async () => {
    const kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    operator = await startOperator(kube.api, kube.namespace, undefined, { site: { ...site, propagationMs: 300 } })
    kube.stopAfterTest(kubelet.stop, operator.stop)
  })
  const realm = (version: string, rollout: object = {}) => ({
    livekit: { type: 'None' },
    version,
    cells: { replicas: 3, template: { connectors: { drainSeconds: 0 } } },
    rollout,
  })
  const versions = async () => {
    const { items } = await kube.user.list<CommsCell & KubeObject>(collectionPath(cellResource, kube.namespace), {})
    return items.map(({ spec }) => `${spec.slot}:${spec.version}`).sort()
  }

  test('never three versions run at the same time, every slot serves throughout, and in the end all have the last version', async () => {
    await kube.declare(realm('1.0.0'))
    await expect.poll(versions, patient).toEqual(['0:1.0.0', '1:1.0.0', '2:1.0.0'])
    await operator.settled()
    await kube.declare(realm('2.0.0', { canaryCells: 1 }))
    await expect.poll(versions, patient).toEqual(['0:2.0.0', '1:1.0.0', '2:1.0.0'])
    await operator.settled()
    const kinds = new Set<string>()
    const idle = new Set<string | undefined>()
    const cells = createReflector<CommsCell & KubeObject>({
      client: kube.user,
      path: collectionPath(cellResource, kube.namespace),
      project: (cell) => cell,
      onChange: () => kinds.add([...new Set(cells.list().map(({ spec }) => spec.version))].sort().join()),
      log: silentLog,
    })
    cells.start()
    kube.stopAfterTest(() => cells.stop())
    await kube.declare(realm('3.0.0'))
    await expect
      .poll(async () => {
        for (const { state } of (await kube.realmOf()).status?.endpoints ?? []) if (state !== 'Serving') idle.add(state)
        return versions()
      }, patient)
      .toEqual(['0:3.0.0', '1:3.0.0', '2:3.0.0'])
    expect([...idle]).toEqual([])
    expect([...kinds].filter((there) => there.split(',').length > 2)).toEqual([])
    expect([...kinds]).toContain('1.0.0,3.0.0')
    expect([...kinds]).not.toContain('2.0.0,3.0.0')
    await expect
      .poll(async () => conditionOf(await kube.realmOf(), 'Progressing'), patient)
      .toMatchObject({ status: 'False', reason: 'Settled' })
  }, 60_000)
})

import { beforeEach, expect, test } from 'vitest'
import { UserError } from '../cells/chassis/errors.ts'
import type { CommsCell, Realm } from '../crds/realm.ts'
import { cellResource, realmResource } from '../crds/resources.ts'
import { site } from '../operator/desired/realm.fixtures.ts'
import { startOperator } from '../testing/apiserver/bare-operator.ts'
import { startFakeKubelet } from '../testing/apiserver/kubelet.ts'
import { scriptedJoins } from '../testing/apiserver/scripted-joins.ts'
import { useApiServer } from '../testing/apiserver/use-api-server.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { explained, inCluster } from './cluster/cluster.ts'
import { setCellState } from './commands/cell-state.ts'
import type { ClusterPorts } from './commands/cluster-ports.ts'
import { get } from './commands/get.ts'
import { history, pause, resume, rolloutStatus, undo } from './commands/rollout.ts'
import { scale } from './commands/scale.ts'
import { status } from './commands/status.ts'

const WAIT = 60_000
const version = (tag: string, more: object = {}) => ({ livekit: { type: 'None' }, version: tag, ...more })

withPart('kube', 'commands for realms of a cluster, against a real API server and the operator', (part) => {
  const kube = useApiServer(part)
  let printed: string[]
  let said: string[]
  let ports: ClusterPorts
  /** The options that every command has. */
  let at: { namespace: string; kubeconfig: string }

  beforeEach(async () => {
    printed = []
    said = []
    ports = {
      env: {},
      print: async (text) => void printed.push(text),
      say: (sentence) => void said.push(sentence),
      interruptible: (_, work) => work(),
      today: () => Date.now(),
      now: () => performance.now(),
      sleep: () => new Promise((resolve) => setTimeout(resolve, 50)),
      style: {},
    }
    at = { namespace: kube.namespace, kubeconfig: kube.api.kubeconfig }
    const kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    const joins = scriptedJoins()
    const operator = await startOperator(kube.api, kube.namespace, undefined, {
      site: { ...site, propagationMs: 100 },
      syntheticJoins: joins,
    })
    kube.stopAfterTest(operator.stop, kubelet.stop)
  })

  const text = () => printed.splice(0).join('')
  const realm = () => kube.user.get<Realm>(realmResource, { namespace: kube.namespace, name: 'main' })
  const cell = (name: string) => kube.user.get<CommsCell>(cellResource, { namespace: kube.namespace, name })

  test('a realm is listed and shown, waited for, scaled, paused and resumed; its cells are drained and taken back', async () => {
    await kube.declare(version('1.0.0', { cells: { replicas: 1 } }))
    expect(await status('main', { ...at, wait: WAIT }, ports)).toBe(0)
    expect(text()).toMatch(/^realm +\S+\/main\nstate +as its spec says\n[\s\S]*\nSLOT +CELL[\s\S]*\n0 +main-0 +Serving +1\/1/)

    await get([], at, ports)
    expect(text()).toMatch(
      /^NAME +MODE +READY +PUBLISHED +PLAYERS +CELLS +VERSION +AGE\nmain +City +True +\S+ +\S+ +1\/1 +1\.0\.0/,
    )
    await get(['main'], { ...at, output: 'json' }, ports)
    expect(JSON.parse(text())).toMatchObject([{ kind: 'Realm', metadata: { name: 'main' }, spec: { version: '1.0.0' } }])
    await status('main', { ...at, output: 'json' }, ports)
    const report = JSON.parse(text()) as unknown
    expect(report).toMatchObject({
      name: 'main',
      settled: true,
      slots: [{ slot: 0, name: 'main-0', state: 'Serving', topology: 'Split' }],
    })

    expect(await scale('main', { ...at, cells: 2, wait: WAIT }, ports)).toBe(0)
    expect(text()).toBe('main gets 2 cells.\n')
    await setCellState('cordon', 'main-1', { ...at, wait: WAIT }, ports)
    expect(text()).toBe('main-1 takes no new players; those in it stay.\nmain-1 is cordoned.\n')
    await setCellState('drain', 'main-1', { ...at, wait: WAIT }, ports)
    expect((await cell('main-1'))?.status?.state).toBe('Drained')
    await setCellState('uncordon', 'main-1', { ...at, wait: WAIT }, ports)
    expect((await cell('main-1'))?.status?.state).toBe('Serving')
    await scale('main', { ...at, connectors: 2, cell: 'main-0' }, ports)
    await expect.poll(async () => (await cell('main-0'))?.spec.connectors.replicas).toBe(2)
    text()

    await pause('main', at, ports)
    expect((await realm())?.spec.rollout.paused).toBe(true)
    await resume('main', at, ports)
    expect((await realm())?.spec.rollout.paused).toBe(false)
    expect(text()).toMatch(/^main is paused: [\s\S]*main goes on\./)
    await resume('main', at, ports)
    expect(text()).toBe('main neither is paused nor waits after canary cells.\n')
  }, 150_000)

  test('a rollout that waits after its canary cells goes on, or goes back', async () => {
    await kube.declare(version('1.0.0', { cells: { replicas: 2 } }))
    await status('main', { ...at, wait: WAIT }, ports)
    await expect(undo('main', at, ports)).rejects.toMatchObject({ message: expect.stringMatching(/has version 1\.0\.0\. Give/) })
    await kube.declare(version('2.0.0', { cells: { replicas: 2 }, rollout: { canaryCells: 1 } }))
    const waits = async () => (await realm())?.status?.conditions?.find(({ type }) => type === 'Reconciling')?.reason
    await expect.poll(waits, { timeout: WAIT }).toBe('AwaitingPromotion')
    text()
    expect(await rolloutStatus('main', at, ports)).toBe(1)
    expect(text()).toMatch(/^main: 1 of 2 cells are of the present spec\. AwaitingPromotion: /)
    await history('main', { ...at, output: 'json' }, ports)
    const versions = (JSON.parse(text()) as { versions: string[] }[]).flatMap((each) => each.versions)
    expect(new Set(versions)).toEqual(new Set(['1.0.0', '2.0.0']))

    expect(await undo('main', { ...at, wait: WAIT }, ports)).toBe(0)
    expect(text()).toMatch(
      /^main goes back from version 2\.0\.0 to 1\.0\.0\.\n.*\nmain runs version 1\.0\.0: every cell and service is of its present spec\.\n$/,
    )
    expect(await rolloutStatus('main', at, ports)).toBe(0)

    await kube.declare(version('3.0.0', { cells: { replicas: 2 }, rollout: { canaryCells: 1 } }))
    await expect.poll(waits, { timeout: WAIT }).toBe('AwaitingPromotion')
    expect(await resume('main', { ...at, wait: WAIT }, ports)).toBe(0)
    expect(text()).toMatch(/It does not wait after 1 canary cells any more[\s\S]*main runs version 3\.0\.0: /)
    expect(said.some((sentence) => sentence.startsWith('main: '))).toBe(true)
  }, 150_000)

  test('what does not exist, does not fit or is not answered is told in a sentence, with an exit code', async () => {
    const failure = async (run: Promise<unknown>) => {
      const error = await run.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof UserError)) throw error
      return [error.exitCode, error.message]
    }
    expect(await failure(status('main', at, ports))).toEqual([
      1,
      `There is no Realm main in the namespace ${kube.namespace}; there is none. Is it another one (-n)?`,
    ])
    await kube.declare(version('1.0.0', { cells: { max: 2 } }))
    expect(await failure(status('mian', at, ports))).toEqual([1, expect.stringMatching(/there are main\.$/)])
    expect(await failure(setCellState('drain', 'main-9', at, ports))).toEqual([1, expect.stringMatching(/no CommsCell main-9/)])
    expect(await failure(scale('main', { ...at, cells: 3 }, ports))).toEqual([1, expect.stringMatching(/refuses: .*cells/)])
    expect(await failure(scale('main', at, ports))).toEqual([2, expect.stringMatching(/either --cells/)])
    expect(await failure(rolloutStatus('main', { ...at, wait: 0 }, { ...ports, sleep: async () => {} }))).toEqual([
      124,
      'Not within 0 s: the realm is as its spec says.',
    ])
    expect(await failure(get([], { ...at, context: 'other' }, ports))).toEqual([
      expect.any(Number),
      expect.stringMatching(/other/),
    ])
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
    expect(explained(refused, 'https://127.0.0.1:1')).toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/does not answer/),
    })
    const bug = new TypeError('x is undefined')
    await expect(inCluster(at, {}, () => Promise.reject(bug))).rejects.toBe(bug)
  }, 60_000)
})

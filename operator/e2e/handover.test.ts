import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { resources } from '../../cells/kube/resources.ts'
import { type ApiProxy, isWrite, startApiProxy } from '../../testing/apiserver/api-proxy.ts'
import { startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { aBlockableProxy, aRemoteProvider, type Sent } from '../../testing/apiserver/remote-provider.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { LEASE_MS } from '../leader/elector.ts'
import type { LeaderLease } from '../leader/lease.ts'

const patient = { timeout: 30_000, interval: 20 }
const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** An operator in its own process, and its requests to the API server. */
interface Process {
  name: string
  proxy: ApiProxy
  /** The times of its writes, without those of its lease. */
  writes(): number[]
  signal(signal: NodeJS.Signals): void
  ended: Promise<unknown>
}

withPart('kube', 'two operator processes on one API server', (part) => {
  const kube = useApiServer(part)
  const { declare, get } = kube

  async function anOperator(name: string, env: NodeJS.ProcessEnv = {}): Promise<Process> {
    const proxy = await startApiProxy(kube.api)
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        KUBECONFIG: proxy.kubeconfig,
        LOG_LEVEL: 'silent',
        HTTP_SERVER_HOST: '127.0.0.1',
        HTTP_SERVER_PORT: '0',
        IMAGE_REPOSITORY: 'ghcr.io/example/realm',
        PROVIDER_URL: 'http://127.0.0.1:1',
        CHECK_DEPENDENCIES: 'false',
        WATCH_NAMESPACES: kube.namespace,
        LEASE_NAMESPACE: kube.namespace,
        LEASE_IDENTITY: name,
        ...env,
      },
    })
    const ended = once(child, 'exit')
    const kill = () => {
      child.kill('SIGKILL')
      return ended
    }
    kube.stopAfterTest(kill, proxy.stop)
    return {
      name,
      proxy,
      writes: () => proxy.passed.filter(isWrite).map(({ at }) => at),
      signal: (signal) => void child.kill(signal),
      ended,
    }
  }
  const leader = async () => (await get<LeaderLease>(resources.Lease, 'realm-operator'))?.spec.holderIdentity

  /** Two processes, of which the first leads and the second has complete caches. */
  async function aPair(env?: NodeJS.ProcessEnv): Promise<[Process, Process]> {
    const first = await anOperator('first', env)
    await expect.poll(leader, patient).toBe('first')
    const second = await anOperator('second', env)
    await expect
      .poll(() => second.proxy.passed.some(({ isWatch, path }) => isWatch && path.endsWith('/leases')), patient)
      .toBe(true)
    return [first, second]
  }

  /** A client that declares another realm again and again, so that the leader is always in the middle of a pass. */
  function aBusyUser() {
    let step = 0
    let stopped = false
    const working = (async () => {
      while (!stopped) {
        await declare({ livekit: { type: 'None' } }, `realm-${step++}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    const stop = () => {
      stopped = true
      return working
    }
    kube.stopAfterTest(stop)
    return { stop, declared: () => step }
  }

  test('a leader that is paused in the middle of a pass writes nothing and publishes nothing after another operator led, and can lead again', async (context) => {
    const sent: Sent[] = []
    const remote = await aRemoteProvider(context)
    const way = await aBlockableProxy(context, remote.url, (each) => sent.push(each))
    const kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    kube.stopAfterTest(kubelet.stop)
    const [first, second] = await aPair(remote.envFor(way.url))
    const taken = () => sent.filter(({ isTaken }) => isTaken)
    const epochs = () => new Set(taken().map(({ epoch }) => epoch)).size
    const spec = { livekit: { type: 'None' }, publication: { providers: [{ url: way.url, ttlSeconds: 15 }] } }
    await declare({ ...spec, cells: { replicas: 1 } })
    await expect.poll(() => taken().at(-1)?.cells, patient).toEqual(['main-0'])
    const busy = aBusyUser()
    const written = first.writes().length
    await expect.poll(() => first.writes().length, patient).toBeGreaterThan(written + 50)
    first.signal('SIGSTOP')
    await busy.stop()
    await expect.poll(leader, patient).toBe('second')
    await declare({ ...spec, cells: { replicas: 2 } })
    await expect.poll(() => second.writes().length, patient).toBeGreaterThan(0)
    const ledAt = second.writes()[0] ?? 0
    await expect.poll(() => taken().at(-1)?.cells, patient).toEqual(['main-0', 'main-1'])
    expect(epochs()).toBe(2)
    first.signal('SIGCONT')
    await declare({ livekit: { type: 'None' } }, 'afterwards')
    await expect.poll(() => get(resources.Service, 'afterwards-slot-3'), patient).toBeDefined()
    await new Promise((resolve) => setTimeout(resolve, 6_000)) // both renew in this time
    expect(first.writes().filter((at) => at >= ledAt)).toEqual([])
    expect(taken().at(-1)?.cells).toEqual(['main-0', 'main-1'])
    const order = taken().map(({ epoch }) => epoch)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    // It runs on as a follower.
    second.signal('SIGTERM')
    await second.ended
    await expect.poll(leader, patient).toBe('first')
    await expect.poll(epochs, patient).toBe(3)
    await declare({ livekit: { type: 'None' } }, 'at-last')
    await expect.poll(() => get(resources.Service, 'at-last-slot-3'), patient).toBeDefined()
  }, 240_000)

  test('a killed leader is replaced once its lease has expired; one that is asked to stop, at once', async ({ annotate }) => {
    const [first, second] = await aPair()
    const third = await anOperator('third')
    await declare({ livekit: { type: 'None' } }, 'before')
    await expect.poll(() => get(resources.Service, 'before-slot-3'), patient).toBeDefined()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const successor = async (leaving: Process, signal: NodeJS.Signals, realm: string) => {
      leaving.signal(signal)
      const leftAt = Date.now()
      await declare({ livekit: { type: 'None' } }, realm)
      const heirs = [first, second, third].filter((each) => each !== leaving)
      const next = () => heirs.flatMap((each) => each.writes()).filter((at) => at >= leftAt)
      await expect.poll(() => next().length, patient).toBeGreaterThan(0)
      const tookMs = Math.min(...next()) - leftAt
      await annotate(`${signal}: the next one wrote after ${tookMs} ms`)
      return tookMs
    }
    await successor(first, 'SIGKILL', 'after-kill')
    const now = (await leader()) === 'second' ? second : third
    await expect.poll(() => get(resources.Service, 'after-kill-slot-3'), patient).toBeDefined()
    expect(await successor(now, 'SIGTERM', 'after-stop')).toBeLessThan(LEASE_MS)
  }, 240_000)
})

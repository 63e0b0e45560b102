import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import type { Ingress } from '../../operator/desired/manifests/ingress.ts'
import { freePort } from '../free-port.ts'
import { librariesOf, programOf } from '../parts/unpacked.ts'
import { startProgram } from '../program.ts'
import { nginxConfiguration } from './nginx-configuration.ts'

/** What it logs once it has read its configuration. */
const STARTED = 'start worker processes'
const RELOAD_MS = 30_000
const POLL_MS = 10

/** An nginx whose configuration the test writes. */
export interface Nginx {
  port: number
  /** Has it read another configuration, as it does when a controller changed it. */
  reload(configuration: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the nginx of the part `nginx`.
 *
 * @param configuration for the port at which it listens
 */
export async function startNginx(part: string, configuration: (port: number) => string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configuration(port))
  const program = startProgram(programOf(part, 'nginx'), ['-p', folder, '-c', file], { env: librariesOf(part) })
  await program.prints(new RegExp(STARTED))
  return {
    port,
    async reload(text) {
      await writeFile(file, text)
      const before = program.output().length
      program.signal('SIGHUP')
      const since = performance.now()
      while (!program.output().includes(STARTED, before)) {
        if (performance.now() - since > RELOAD_MS) throw new Error(`nginx was not reloaded:\n${program.output().slice(before)}`)
        await sleep(POLL_MS)
      }
    },
    async stop() {
      await program[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface EndpointSlice extends KubeObject {
  endpoints: { addresses: string[]; conditions?: { ready?: boolean } }[] | null
  ports: { port: number }[] | null
}
const endpointSlices: Resource = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', plural: 'endpointslices' }
const SERVICE_LABEL = 'kubernetes.io/service-name'

/** Starts an nginx that follows the Ingresses of a namespace and the endpoints behind them, and is reloaded at every change of either. */
export async function startNginxController(part: string, client: KubeClient, namespace: string): Promise<Nginx> {
  const copy = <T extends KubeObject>(resource: Resource) => {
    const reflector = createReflector<T>({
      ...{ client, path: collectionPath(resource, namespace), project: (live: T) => live, log: silentLog },
      onChange: () => void follow(),
    })
    reflector.start()
    return reflector
  }
  let nginx: Nginx | undefined
  let current = ''
  let turn: Promise<void> = Promise.resolve()
  const follow = () => {
    turn = turn.then(async () => {
      if (!nginx) return
      const next = render(nginx.port)
      if (next === current) return
      current = next
      await nginx.reload(next)
    })
    return turn
  }
  const ingresses = copy<Ingress & KubeObject>(resources.Ingress)
  const slices = copy<EndpointSlice>(endpointSlices)
  await Promise.all([ingresses.synced, slices.synced])
  const endpointsOf = (service: string) =>
    slices
      .list()
      .filter(({ metadata }) => metadata.labels?.[SERVICE_LABEL] === service)
      .flatMap(({ endpoints, ports }) =>
        (endpoints ?? [])
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.map((address) => `${address}:${ports?.[0]?.port}`)),
      )
      .sort()
  const render = (port: number) => nginxConfiguration(ingresses.list(), endpointsOf, { port })
  nginx = await startNginx(part, (port) => {
    current = render(port)
    return current
  })
  const { port, reload, stop } = nginx
  await follow()
  return {
    port,
    reload,
    stop: async () => {
      await Promise.all([ingresses.stop(), slices.stop()])
      await turn
      await stop()
    },
  }
}

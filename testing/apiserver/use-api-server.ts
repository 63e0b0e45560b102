import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { resources } from '../../cells/kube/resources.ts'
import { type ApiServer, startApiServer } from './apiserver.ts'
import { kubectlOf } from './kubectl.ts'
import { inNamespace } from './namespace.ts'

/** A real API server for all tests of a describe, and a new namespace for each test. */
export interface ApiServerTest extends ReturnType<typeof inNamespace> {
  readonly api: ApiServer
  /** A client with every right: stands for users, kubelets, controllers and other editors. */
  readonly user: KubeClient
  readonly namespace: string
  /** Creates a further namespace, and returns its name. */
  newNamespace(): Promise<string>
  /** Runs the real kubectl in the namespace of the test, and returns what it printed. */
  kubectl(args: string): Promise<string>
  /** Registers what to stop after the test, in this order. */
  stopAfterTest(...stops: (() => Promise<unknown>)[]): void
}

/**
 * Starts the API server in hooks: call it in the body of a describe.
 *
 * @param part folder of the part `kube`
 * @param labels of each namespace
 */
export function useApiServer(part: string, labels: Readonly<Record<string, string>> = {}): ApiServerTest {
  let api: ApiServer
  let user: KubeClient
  let namespace = ''
  let count = 0
  const stops: (() => Promise<unknown>)[] = []
  const newNamespace = async () => {
    const name = `test-${++count}`
    await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
    return name
  }
  beforeAll(async () => {
    api = await startApiServer(part)
    user = api.client()
  })
  afterAll(() => api?.stop())
  beforeEach(async () => {
    namespace = await newNamespace()
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })
  return {
    get api() {
      return api
    },
    get user() {
      return user
    },
    get namespace() {
      return namespace
    },
    kubectl: (args) => kubectlOf(part, api.kubeconfig, () => namespace)(args),
    newNamespace,
    stopAfterTest: (...more) => void stops.push(...more),
    ...inNamespace(
      () => user,
      () => namespace,
    ),
  }
}

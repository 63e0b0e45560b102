import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { resources } from '../../cells/kube/resources.ts'
import { type ApiServer, startApiServer } from './apiserver.ts'
import { kubectlOf } from './kubectl.ts'
import { inNamespace } from './namespace.ts'

/** A real API server for all tests of a describe, and a namespace of its own for each of them. */
export interface ApiServerTest extends ReturnType<typeof inNamespace> {
  readonly api: ApiServer
  /** Somebody with every right: a user, a kubelet, a hostile editor. */
  readonly user: KubeClient
  readonly namespace: string
  /** The real kubectl, about the namespace of the test; answers with what it printed. */
  kubectl(args: string): Promise<string>
  /** Stops what a test started once it is over, in this order. */
  ends(...stops: (() => Promise<unknown>)[]): void
}

/**
 * Sets a lab up; to be called in the body of a describe.
 *
 * @param part folder of the part `kube`
 * @param labels of each namespace
 */
export function useApiServer(part: string, labels: Readonly<Record<string, string>> = {}): ApiServerTest {
  let api: ApiServer
  let user: KubeClient
  let namespace = ''
  let count = 0
  const endings: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    api = await startApiServer(part)
    user = api.client()
  })
  afterAll(() => api?.stop())
  beforeEach(async () => {
    namespace = `test-${++count}`
    await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } })
  })
  afterEach(async () => {
    for (const end of endings.splice(0)) await end()
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
    ends: (...stops) => void endings.push(...stops),
    ...inNamespace(
      () => user,
      () => namespace,
    ),
  }
}

import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { resources } from '../../cells/kube/resources.ts'
import { type ApiServer, connectToApiServer, type OwnApiServer, startApiServer } from './apiserver.ts'
import { kubectlOf } from './kubectl.ts'
import { inNamespace } from './namespace.ts'
import { sharedPlace } from './shared.ts'

/** A real API server for all tests of a describe, and a new namespace for each test. */
export interface ApiServerTest<Api extends ApiServer = ApiServer> extends ReturnType<typeof inNamespace> {
  readonly api: Api
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
 * Uses the API server that the files of one run share: for tests of what is in their namespaces. Call it in the body of a describe.
 *
 * @param part folder of the part `kube`
 * @param labels of each namespace
 */
export const useApiServer = (part: string, labels: Readonly<Record<string, string>> = {}): ApiServerTest =>
  inHooks(part, labels, async () => connectToApiServer(await sharedPlace(inject('apiServerUrl'), part)))

/** The same with an API server of its own: for tests that restart it, or have objects or controllers that act on all namespaces. */
export const useOwnApiServer = (part: string): ApiServerTest<OwnApiServer> => inHooks(part, {}, () => startApiServer(part))

function inHooks<Api extends ApiServer>(
  part: string,
  labels: Readonly<Record<string, string>>,
  start: () => Promise<Api>,
): ApiServerTest<Api> {
  let api: Api
  let user: KubeClient
  let namespace = ''
  let count = 0
  const prefix = `test-${randomBytes(3).toString('hex')}`
  const stops: (() => Promise<unknown>)[] = []
  const newNamespace = async () => {
    const name = `${prefix}-${++count}`
    await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
    return name
  }
  beforeAll(async () => {
    api = await start()
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

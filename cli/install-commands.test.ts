import { beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { resources } from '../cells/kube/resources.ts'
import { version as clientVersion } from '../cells/version.ts'
import { useApiServer } from '../testing/apiserver/use-api-server.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { inCluster } from './cluster/cluster.ts'
import { installedCrds } from './cluster/installation.ts'
import type { ClusterPorts } from './commands/cluster-ports.ts'
import { install, uninstall } from './commands/install.ts'

const labels = { 'app.kubernetes.io/part-of': 'realm-operator', 'app.kubernetes.io/name': 'operator' }

withPart('kube', 'installation of an operator, against a real API server', (part) => {
  const kube = useApiServer(part)
  let printed: string[]
  let ports: ClusterPorts
  let at: { namespace: string; kubeconfig: string }

  beforeEach(() => {
    printed = []
    ports = {
      ...{ env: {}, say: () => {}, print: async (text: string) => void printed.push(text), style: {} },
      ...{ today: () => Date.now(), now: () => performance.now(), sleep: async () => {}, interruptible: (_, work) => work() },
    }
    at = { namespace: kube.namespace, kubeconfig: kube.api.kubeconfig }
  })

  test('an operator is installed, waited for, installed again without a change, and removed, but not while Realms exist', async () => {
    const options = { kubeconfig: kube.api.kubeconfig, imageRepository: 'r.example/realm' }
    const here = { kubeconfig: kube.api.kubeconfig, namespace: kube.namespace }
    const text = () => printed.splice(0).join('')
    await install({ ...options, dryRun: true, wait: 0 }, ports)
    expect(text()).toMatch(
      /^Namespace realm-operator created \(dry run\)\nCustomResourceDefinition realms\S+ accepted \(dry run\)/,
    )
    const deployments = async () =>
      (await kube.user.list<KubeObject>('/apis/apps/v1/namespaces/realm-operator/deployments', {})).items
    expect(await deployments()).toEqual([])

    const said: string[] = []
    // As its controllers would, after the first look.
    const sleep = async () => {
      for (const { metadata } of await deployments()) {
        const object = {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: metadata.name, namespace: 'realm-operator' },
        }
        const status = { replicas: 2, readyReplicas: 2, updatedReplicas: 2 }
        await kube.user.apply(resources.Deployment, { ...object, status } as KubeObject, {
          fieldManager: 'k',
          force: true,
          subresource: 'status',
        })
      }
    }
    await install({ ...options, wait: 60_000 }, { ...ports, sleep, say: (sentence) => void said.push(sentence) })
    expect([text(), said]).toEqual([
      expect.stringMatching(/Deployment realm-operator\/realm-operator created\n[\s\S]*The operator runs\./),
      ['operator: 0 of 2 ready; provider: 0 of 2 ready'],
    ])
    expect(JSON.stringify(await deployments())).toMatch(/"image":"r\.example\/realm:\d/)
    await install({ ...options, wait: 0 }, ports)
    expect(text()).not.toMatch(/created|configured/)
    const crds = await inCluster(here, {}, installedCrds)
    expect(crds).toMatchObject({ value: [{ version: clientVersion }, { version: clientVersion }] })

    await kube.declare({ livekit: { type: 'None' } })
    await expect(uninstall(here, ports)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^Realms exist: .*--leave-realms/),
    })
    await expect(uninstall({ ...here, crds: true, leaveRealms: true }, ports)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^The CRDs are needed while Realms exist/),
    })
    await uninstall({ ...here, leaveRealms: true, dryRun: true }, ports)
    expect(text()).toMatch(/^Deployment realm-operator\/realm-operator-provider deleted \(dry run\)\n/)
    await uninstall({ ...here, leaveRealms: true }, ports)
    expect([text(), await deployments(), (await kube.realmOf()).metadata.name]).toEqual([
      expect.stringMatching(/ClusterRole realm-operator-realm-operator deleted\n/),
      [],
      'main',
    ])
    await uninstall({ ...here, leaveRealms: true }, ports)
    expect(text()).toBe('')
  }, 60_000)

  test('an installation of Helm, a wrong repository and fields of others are told in a sentence', async () => {
    await expect(install({ ...at, imageRepository: 'r.example/realm:1.0', wait: 0 }, ports)).rejects.toMatchObject({
      exitCode: 2,
    })
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'realm-operator' } }
    await kube.user.apply(resources.Namespace, namespace, { fieldManager: 'user', force: true })
    const annotations = { 'meta.helm.sh/release-name': 'mine' }
    // Of this version: other tests on this server look for versions that do not fit together.
    const containers = [{ name: 'operator', image: `r.example/realm:${clientVersion}` }]
    const template = { metadata: { labels: labels }, spec: { containers } }
    const deployment = {
      ...{
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'realm-operator', namespace: 'realm-operator', annotations },
      },
      spec: { replicas: 7, selector: { matchLabels: labels }, template },
    } as KubeObject
    await kube.user.create(resources.Deployment, deployment)
    kube.stopAfterTest(() => kube.user.remove(resources.Deployment, { namespace: 'realm-operator', name: 'realm-operator' }))
    const refusal = { exitCode: 1, message: expect.stringMatching(/^The release mine of Helm is installed/) }
    await expect(install({ ...at, imageRepository: 'r.example/realm', wait: 0 }, ports)).rejects.toMatchObject(refusal)
    await expect(uninstall(at, ports)).rejects.toMatchObject(refusal)
    await kube.user.merge(
      resources.Deployment,
      { namespace: 'realm-operator', name: 'realm-operator' },
      { metadata: { annotations: null } },
    )
    await expect(install({ ...at, imageRepository: 'r.example/realm', wait: 0 }, ports)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^Deployment realm-operator\/realm-operator has fields of other clients; --force/),
    })
    await uninstall({ ...at, leaveRealms: true }, ports)
  }, 60_000)
})

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { KubeAccess } from '../cells/kube/kube-access.ts'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { createKubeClient } from '../cells/kube/pooled-kube-client.ts'
import { type Resource, resources } from '../cells/kube/resources.ts'
import { version as clientVersion } from '../cells/version.ts'
import { microTime } from '../operator/leader/lease.ts'
import { useApiServer } from '../testing/apiserver/use-api-server.ts'
import { freshFolder } from '../testing/fresh-folder.ts'
import { withPart } from '../testing/parts/with-part.ts'
import type { ClusterNamespace } from './cluster/cluster.ts'
import { createRawReader } from './cluster/raw-reader.ts'
import type { ClusterPorts } from './commands/cluster-ports.ts'
import { doctor } from './commands/doctor.ts'
import { report } from './commands/report.ts'
import { version } from './commands/version.ts'
import { type Diagnosis, diagnose } from './doctor/diagnosis.ts'
import type { RealmProbes } from './doctor/seen-realm.ts'
import { archiveWriter, type WriteArchive } from './report/archive.ts'

const WALLET = '0x00000000000000000000000000000000000000A1'
const labels = (program: string) => ({
  'app.kubernetes.io/part-of': 'realm-operator',
  'app.kubernetes.io/name': program,
  'app.kubernetes.io/instance': 'realm-operator',
})
const probes: RealmProbes = {
  relay: async () => 'noAnswer',
  certificate: async () => ({ state: 'untrusted' }),
  fetch: async () => ({ ok: true, status: 404, body: undefined }),
  resolve: async (host) => (host === 'main.example.org' ? ['192.0.2.7'] : []),
  media: async () => 'silent',
  today: () => Date.now(),
  now: () => performance.now(),
}

const writeArchive = archiveWriter((_, work) => work())

withPart('kube', 'commands that look after an installation, against a real API server', (part) => {
  const kube = useApiServer(part)
  let printed: string[]
  let ports: ClusterPorts & { probes: RealmProbes; writeArchive: WriteArchive }
  let at: { namespace: string; kubeconfig: string }

  beforeEach(() => {
    printed = []
    ports = {
      ...{ env: {}, say: () => {}, print: async (text: string) => void printed.push(text), style: {}, probes, writeArchive },
      ...{ today: probes.today, now: probes.now, sleep: async () => {}, interruptible: (_, work) => work() },
    }
    at = { namespace: kube.namespace, kubeconfig: kube.api.kubeconfig }
  })

  const create = (resource: Resource, name: string, rest: object) => {
    const { apiVersion, kind } = resource
    const metadata = { name, namespace: kube.namespace, labels: labels('operator') }
    return kube.user.create(resource, { apiVersion, kind, metadata, ...rest } as KubeObject)
  }
  const setStatus = (resource: Resource, name: string, status: object) => {
    const { apiVersion, kind } = resource
    const object = { apiVersion, kind, metadata: { name, namespace: kube.namespace }, status } as KubeObject
    return kube.user.apply(resource, object, { fieldManager: 'kubelet', force: true, subresource: 'status' })
  }
  /** The operator of the chart, of a version, with its Lease renewed so many milliseconds ago. */
  async function installOperator(its: string, { readyReplicas = 2, renewedAgoMs = 1_000 } = {}) {
    const containers = [{ name: 'operator', image: `r.example/realm:${its}`, env: [{ name: 'LEASE_NAME', value: 'lease' }] }]
    const template = { metadata: { labels: labels('operator') }, spec: { containers } }
    await create(resources.Deployment, 'op', { spec: { replicas: 2, selector: { matchLabels: labels('operator') }, template } })
    await setStatus(resources.Deployment, 'op', { replicas: 2, readyReplicas, updatedReplicas: 2 })
    await create(resources.Lease, 'lease', { spec: { holderIdentity: 'op-1', renewTime: microTime(Date.now() - renewedAgoMs) } })
  }
  async function diagnosisOf(
    name?: string,
  ): Promise<{ code: number; of: (check: string) => Diagnosis['checks'][number] | undefined }> {
    const code = await doctor(name, { ...at, output: 'json' }, ports)
    const { checks } = JSON.parse(printed.splice(0).join('')) as Diagnosis
    const isHere = ({ of }: { of?: string }) => of === undefined || of.includes(kube.namespace)
    return { code, of: (check) => checks.find((each) => each.name === check && isHere(each)) }
  }

  test('an installation that works, one without a leader, and one whose pods fail are told apart', async () => {
    await installOperator(clientVersion)
    const well = await diagnosisOf()
    expect([
      well.of('api-server'),
      well.of('clock'),
      well.of('crds'),
      well.of('operator'),
      well.of('leader'),
      well.of('versions'),
    ]).toMatchObject([
      { state: 'ok', seen: expect.stringMatching(/^v1\.\d+\.\d+.* at https:/) },
      ...[{ state: 'ok' }, { state: 'ok' }],
      { state: 'ok', seen: expect.stringMatching(/^2 of 2 ready/) },
      { state: 'ok', seen: 'op-1 leads' },
      { state: 'ok' },
    ])
    expect(well.of('nodes')).toMatchObject({ state: 'warning', seen: 'the cluster has no node' })

    await kube.user.merge(
      resources.Lease,
      { namespace: kube.namespace, name: 'lease' },
      { spec: { renewTime: microTime(Date.now() - 600_000) } },
    )
    await setStatus(resources.Deployment, 'op', { replicas: 2, readyReplicas: 0, updatedReplicas: 2 })
    await create(resources.Pod, 'op-1', { spec: { containers: [{ name: 'operator', image: 'r.example/realm:0' }] } })
    const waiting = { reason: 'ErrImagePull', message: 'manifest unknown' }
    await setStatus(resources.Pod, 'op-1', {
      containerStatuses: [
        { name: 'operator', image: 'r.example/realm:0', imageID: '', ready: false, restartCount: 0, state: { waiting } },
      ],
    })
    const ill = await diagnosisOf()
    expect([ill.code, ill.of('operator'), ill.of('leader'), ill.of('pods')]).toMatchObject([
      1,
      { state: 'failed', fix: `kubectl describe -n ${kube.namespace} deployment op` },
      { state: 'failed', seen: expect.stringMatching(/^op-1 has not renewed its Lease for (599|60\d) s/) },
      {
        state: 'failed',
        seen: expect.stringMatching(/image r\.example\/realm:0 cannot be pulled: manifest unknown/),
        fix: expect.stringMatching(/push the image/),
      },
    ])
  }, 60_000)

  test('of a realm everything that can be seen from outside is checked', async () => {
    await kube.user.create(resources.Secret, {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: kube.namespace, name: 'tls' } },
      ...{ type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } },
    } as KubeObject)
    await kube.user.create(resources.NetworkPolicy, {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace: kube.namespace, name: 'deny' } },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    } as KubeObject)
    await kube.declare({
      livekit: { type: 'None' },
      exposure: { type: 'Ingress', host: 'main.example.org', className: 'nope', tlsSecretName: 'tls' },
    })
    const urls = { gatekeeper: 'https://main.example.org/gatekeeper' }
    const { apiVersion, kind } = (await kube.realmOf()) as unknown as KubeObject
    const realm = {
      apiVersion,
      kind,
      metadata: { name: 'main', namespace: kube.namespace },
      status: { observedGeneration: 1, urls, movement: { host: 'relay.example.org', bevy: '', godot: '', unity: '' } },
    }
    await kube.user.apply({ apiVersion, kind, plural: 'realms' }, realm as KubeObject, {
      fieldManager: 'op',
      force: true,
      subresource: 'status',
    })
    const { code, of } = await diagnosisOf('main')
    const states = [
      'reconciled',
      'ingress-class',
      'ingress',
      'tls-secret',
      'dns',
      'certificate',
      'public-address',
      'movement-relay',
      'network-policies',
      'quotas',
      'pods',
    ]
    expect([code, ...states.map((name) => [name, of(name)?.state])]).toEqual([
      ...[1, ['reconciled', 'ok'], ['ingress-class', 'failed'], ['ingress', 'failed'], ['tls-secret', 'failed'], ['dns', 'ok']],
      ...[
        ['certificate', 'failed'],
        ['public-address', 'failed'],
        ['movement-relay', 'warning'],
        ['network-policies', 'warning'],
      ],
      ...[
        ['quotas', 'ok'],
        ['pods', 'ok'],
      ],
    ])
    expect([of('ingress-class')?.seen, of('public-address')?.seen]).toEqual([
      'there is no IngressClass nope',
      'https://main.example.org/about answers 404',
    ])
    expect(of('network-policies')).toMatchObject({ fix: 'spec.networkPolicy.type: Strict', of: `Realm ${kube.namespace}/main` })
    await expect(doctor('mian', at, ports)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/there are main\.$/),
    })
  }, 60_000)

  test('who lacks rights is told what could not be seen, and which rights are lacking', async () => {
    const access: KubeAccess = { ...kube.api.access, headers: async () => ({ 'impersonate-user': 'stranger' }) }
    const [client, raw] = [createKubeClient({ access }), createRawReader(access)]
    kube.stopAfterTest(() => client.stop(), raw.stop)
    const cluster: ClusterNamespace = { client, raw, namespace: kube.namespace }
    const { checks } = await diagnose(cluster, undefined, { probes, say: () => {} })
    const of = (name: string) => checks.find((check) => check.name === name)
    expect([of('crds'), of('operator'), of('nodes'), of('realms'), of('rights')]).toMatchObject([
      { state: 'skipped', seen: expect.stringMatching(/"stranger" cannot get resource "customresourcedefinitions"/) },
      { state: 'skipped', seen: expect.stringMatching(/cannot list resource "deployments"/) },
      ...[{ state: 'skipped' }, { state: 'skipped' }],
      { state: 'warning', seen: expect.stringMatching(/^you may not: list realms \(get, status, doctor\), /) },
    ])
  }, 60_000)

  test('an API server that does not answer is a check that failed, and the only one', async () => {
    const access: KubeAccess = { ...kube.api.access, server: 'https://127.0.0.1:1' }
    const [client, raw] = [createKubeClient({ access }), createRawReader(access)]
    kube.stopAfterTest(() => client.stop(), raw.stop)
    const { checks, summary } = await diagnose({ client, raw, namespace: 'default' }, undefined, { probes, say: () => {} })
    expect([checks, summary.failed]).toMatchObject([
      [{ name: 'api-server', state: 'failed', seen: expect.stringMatching(/127\.0\.0\.1:1/) }],
      1,
    ])
  })

  test('versions are shown, and those that do not fit together with what to do', async () => {
    await installOperator('9.8.7')
    expect(await version({ ...at, output: 'json' }, ports)).toBe(1)
    const { programs, skews, crds } = JSON.parse(printed.splice(0).join('')) as {
      programs: object[]
      skews: object[]
      crds: object[]
    }
    expect(programs).toContainEqual(expect.objectContaining({ program: 'operator', namespace: kube.namespace, version: '9.8.7' }))
    expect(skews).toContainEqual(
      expect.objectContaining({ between: 'client, operator', fix: 'npx --package realm-operator@9.8.7 realmctl …' }),
    )
    expect(crds).toMatchObject([{ missingFields: [], established: true }, { missingFields: [] }])
    expect(await version({ client: true }, ports)).toBe(0)
    expect(printed.join('')).toContain(`client  ${clientVersion}`)
  })

  test('a report is one file with objects and checks, without secrets and with other names for wallets and addresses', async () => {
    const env = [{ name: 'UPSTREAM_TOKEN', value: 'hunter2hunter2' }]
    await kube.declare({
      livekit: { type: 'None' },
      pods: { env, annotations: { owner: WALLET, again: WALLET.toLowerCase(), at: '203.0.113.9' } },
    })
    const metadata = { name: 'main-pod', namespace: kube.namespace, labels: { 'comms.decentraland.org/realm': 'main' } }
    await kube.user.create(resources.Pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [{ name: 'stats', image: 'i' }] },
    } as KubeObject)
    const folder = freshFolder()
    const file = join(folder, 'main.tar.gz')
    await report('main', { ...at, output: file }, ports)
    expect(printed.join('')).toMatch(/main\.tar\.gz: \d+ files\. Not in it:\n +top\.json: no realm provider was seen\n$/)
    execFileSync('tar', ['xzf', file, '-C', folder])
    const text = execFileSync(
      'cat',
      ['objects/realm.yaml', 'objects/pods.yaml', 'report.json', 'doctor/realm.txt', 'versions.json'],
      { cwd: folder, encoding: 'utf8' },
    )
    expect(text).toContain('value: REDACTED')
    expect(text).toContain(`logs/${kube.namespace}/main-pod/stats.log`)
    expect(text).toMatch(/again: "wallet-1"\n +at: ip-1\n +owner: "wallet-1"/)
    expect(text).not.toMatch(/hunter2|0x0000|203\.0\.113\.9/)
    await expect(report('main', { ...at, output: file }, ports)).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringMatching(/EEXIST/),
    })
    await expect(report('mian', at, ports)).rejects.toMatchObject({ exitCode: 1 })
  }, 60_000)
})

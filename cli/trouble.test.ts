import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeEach, expect, type TestContext, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { UserError } from '../cells/chassis/errors.ts'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { aCell, aRealm } from '../operator/desired/realm.fixtures.ts'
import { useApiServer } from '../testing/apiserver/use-api-server.ts'
import { freshFolder } from '../testing/fresh-folder.ts'
import { kubeconfigFor } from '../testing/kubeconfig.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { realmctlCommands } from '../testing/realmctl.ts'
import { type ClusterOptions, inCluster, openCluster } from './cluster/cluster.ts'
import { setCellState } from './commands/cell-state.ts'
import type { ClusterPorts } from './commands/cluster-ports.ts'
import { doctor } from './commands/doctor.ts'
import { forward } from './commands/forward.ts'
import { get } from './commands/get.ts'
import { install, uninstall } from './commands/install.ts'
import { report } from './commands/report.ts'
import { history, pause, resume, rolloutStatus, undo } from './commands/rollout.ts'
import { scale } from './commands/scale.ts'
import { status } from './commands/status.ts'
import { top } from './commands/top.ts'
import { clusterTop } from './commands/top-cluster.ts'
import { version } from './commands/version.ts'
import type { RealmProbes } from './doctor/seen-realm.ts'

type Ports = ClusterPorts & { probes: RealmProbes; writeArchive: () => Promise<void> }
type Run = (at: ClusterOptions, ports: Ports, name?: string) => Promise<unknown>

/** Every command that works in a cluster: about the realm `main` or its first cell, or about all, unless a name is given. */
const commands: Readonly<Record<string, Run>> = {
  get: (at, ports, name) => get(name === undefined ? [] : [name], at, ports),
  status: (at, ports, name = 'main') => status(name, at, ports),
  'rollout status': (at, ports, name = 'main') => rolloutStatus(name, at, ports),
  'rollout history': (at, ports, name = 'main') => history(name, at, ports),
  'rollout pause': (at, ports, name = 'main') => pause(name, at, ports),
  'rollout resume': (at, ports, name = 'main') => resume(name, at, ports),
  'rollout undo': (at, ports, name = 'main') => undo(name, { ...at, toVersion: '9.9.9' }, ports),
  scale: (at, ports, name = 'main') => scale(name, { ...at, cells: 2 }, ports),
  cordon: (at, ports, name = 'main-0') => setCellState('cordon', name, at, ports),
  drain: (at, ports, name = 'main-0') => setCellState('drain', name, at, ports),
  uncordon: (at, ports, name = 'main-0') => setCellState('uncordon', name, at, ports),
  doctor: (at, ports, name) => doctor(name, at, ports),
  report: (at, ports, name = 'main') => report(name, at, ports),
  version: (at, ports) => version(at, ports),
  forward: async (at, ports, name = 'main') => {
    const terminal = { say: () => {}, status: () => {} }
    const opened = { terminal, openCluster: () => openCluster(at, ports.env), now: ports.now, random: () => 0 }
    await (await forward(name, { port: 0 }, opened)).stop()
  },
  top: (at, { env, print, now }) =>
    inCluster(at, env, async (cluster) => {
      const found = await clusterTop(cluster, now)
      await top(found.provider, {}, { env, print, ...found, screen: () => undefined, pause: async () => false })
    }),
  install: (at, ports) => install({ ...at, imageRepository: 'r.example/realm', wait: 0 }, ports),
  uninstall: (at, ports) => uninstall(at, ports),
}
/** Those that are about the installation, and not about a realm. */
const OF_INSTALLATION = ['version', 'install', 'uninstall']
/** Those that take no name of a realm. */
const OF_NO_REALM = [...OF_INSTALLATION, 'top']

test('every command of realmctl that works in a cluster is among these', () => {
  const all = realmctlCommands().flatMap(({ words, isOfCluster }) => (isOfCluster ? [words] : []))
  expect(Object.keys(commands).sort()).toEqual(all.sort())
})

function somePorts() {
  const printed: string[] = []
  const probes: RealmProbes = {
    relay: async () => 'noAnswer',
    certificate: async () => ({ state: 'untrusted' }),
    fetch: async () => ({ ok: true, status: 404, body: undefined }),
    resolve: async () => [],
    media: async () => 'silent',
    ...{ today: () => Date.now(), now: () => performance.now() },
  }
  const ports: Ports = {
    ...{
      env: {},
      say: (text: string) => void printed.push(`${text}\n`),
      print: async (text: string) => void printed.push(text),
      style: {},
      probes,
    },
    ...{
      today: probes.today,
      now: probes.now,
      sleep: async () => {},
      interruptible: (_, work) => work(),
      writeArchive: async () => {},
    },
  }
  return { ports, text: () => printed.join('') }
}

/** The exit code of a command, and the sentence it ends with, or what it printed. */
async function outcomeOf(run: Run, at: ClusterOptions, name?: string): Promise<[code: number, said: string]> {
  const { ports, text } = somePorts()
  try {
    const code = await run(at, ports, name)
    return [typeof code === 'number' ? code : 0, text()]
  } catch (error) {
    if (error instanceof UserError) return [error.exitCode, error.message]
    throw error
  }
}

async function aSilentServer(t: TestContext): Promise<string> {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.for([
  ['refuses connections', async () => 'http://127.0.0.1:1'],
  ['accepts them and stays silent', aSilentServer],
] as const)('at an API server that %s every command ends with one line and 4', { timeout: 60_000 }, async ([, serverOf], t) => {
  const server = await serverOf(t)
  const at = { namespace: 'default', kubeconfig: kubeconfigFor(server) }
  // All at once, as each of them waits for its deadline.
  const outcomes = await Promise.all(
    Object.entries(commands).map(async ([words, run]) => [words, ...(await outcomeOf(run, at))] as const),
  )
  for (const [words, code, said] of outcomes)
    if (words === 'doctor') expect([code, said]).toEqual([1, expect.stringMatching(/^failed +api-server: .*127\.0\.0\.1/m)])
    else
      expect([words, code, said]).toEqual([
        words,
        4,
        expect.stringMatching(/^The API server http:\/\/127\.0\.0\.1:\d+ does not answer: .+$/),
      ])
})

withPart('kube', 'commands in trouble, against a real API server', (part) => {
  const kube = useApiServer(part)
  let at: Required<Pick<ClusterOptions, 'namespace' | 'kubeconfig'>>

  beforeEach(async () => {
    at = { namespace: kube.namespace, kubeconfig: kube.api.kubeconfig }
    const { apiVersion, kind, spec } = aCell(aRealm())
    await kube.declare({ livekit: { type: 'None' } })
    await kube.user.create({ apiVersion, kind, plural: 'commscells' }, {
      apiVersion,
      kind,
      metadata: { namespace: kube.namespace, name: 'main-0' },
      spec,
    } as KubeObject)
  })

  /** A kubeconfig of a user who has some ClusterRoles in the namespace. */
  async function kubeconfigFor(user: string, roles: readonly string[]): Promise<string> {
    const rbac = 'rbac.authorization.k8s.io'
    for (const name of roles)
      await kube.user.create({ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', plural: 'rolebindings' }, {
        ...{
          apiVersion: `${rbac}/v1`,
          kind: 'RoleBinding',
          metadata: { namespace: kube.namespace, name: name.replaceAll(':', '-') },
        },
        ...{ roleRef: { apiGroup: rbac, kind: 'ClusterRole', name }, subjects: [{ apiGroup: rbac, kind: 'User', name: user }] },
      } as KubeObject)
    const config = parse(readFileSync(kube.api.kubeconfig, 'utf8')) as { users: { user: { as?: string } }[] }
    for (const each of config.users) each.user.as = user
    const file = join(freshFolder(), 'kubeconfig')
    writeFileSync(file, JSON.stringify(config))
    return file
  }

  test('a realm, a cell, a namespace, a context and a kubeconfig that do not exist are named', { timeout: 60_000 }, async () => {
    for (const [words, run] of Object.entries(commands)) {
      if (OF_NO_REALM.includes(words)) continue
      const isOfCell = ['cordon', 'drain', 'uncordon'].includes(words)
      const kind = isOfCell ? 'CommsCell' : 'Realm'
      expect([words, await outcomeOf(run, at, 'mian')]).toEqual([
        words,
        [1, `There is no ${kind} mian in the namespace ${kube.namespace}; there are ${isOfCell ? 'main-0' : 'main'}.`],
      ])
      const name = words === 'doctor' || words === 'get' ? 'main' : undefined
      expect([words, await outcomeOf(run, { ...at, namespace: 'nowhere' }, name)]).toEqual([
        words,
        [1, expect.stringMatching(/in the namespace nowhere; there is none\. Is it another one \(-n\)\?$/)],
      ])
    }
    expect(await outcomeOf(commands.get as Run, { ...at, namespace: 'nowhere' })).toEqual([
      0,
      'The namespace nowhere has no Realm; -A lists all namespaces.\n',
    ])
    for (const [words, run] of Object.entries(commands)) {
      expect([words, await outcomeOf(run, { ...at, context: 'other' })]).toEqual([
        words,
        [1, expect.stringMatching(/no context 'other'/)],
      ])
      const missing = await outcomeOf(run, { kubeconfig: '/nowhere/kubeconfig' })
      expect([words, missing]).toEqual([words, [1, expect.stringMatching(/\/nowhere\/kubeconfig is not usable: ENOENT/)]])
    }
  })

  test('without any right every command says which one is missing, and who grants it', { timeout: 60_000 }, async () => {
    const kubeconfig = await kubeconfigFor('stranger', [])
    const outcomes = await Promise.all(
      Object.entries(commands).map(async ([words, run]) => [words, ...(await outcomeOf(run, { ...at, kubeconfig }))] as const),
    )
    for (const [words, code, said] of outcomes) {
      // These two show the rest, and what they could not see.
      const isPartial = ['doctor', 'version'].includes(words)
      expect([words, code, said]).toEqual([
        words,
        isPartial ? 0 : 1,
        expect.stringMatching(/"stranger" cannot (get|list) resource "\w+"/),
      ])
      if (isPartial) continue
      const grants = OF_NO_REALM.includes(words)
        ? /Those who administer the cluster have it\.$/
        : /ClusterRole view, .* grants it in the namespace\.$/
      expect([words, said]).toEqual([words, expect.stringMatching(grants)])
    }
    expect(
      await outcomeOf((options, ports) => get([], { ...options, allNamespaces: true }, ports), { ...at, kubeconfig }),
    ).toEqual([
      1,
      expect.stringMatching(
        /at the cluster scope\. The ClusterRole view, .* grants it for all namespaces; or name one with -n\.$/,
      ),
    ])
  })

  test('with the role view whatever reads works, and whatever writes names the right that is missing', {
    timeout: 60_000,
  }, async () => {
    const roles = parseAllDocuments(readFileSync(new URL('install/install.yaml', import.meta.url), 'utf8')).map((each) =>
      each.toJS(),
    )
    const role = roles.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name.endsWith('-view')) as KubeObject
    const viewer = { ...role, metadata: { name: `${kube.namespace}-view` } }
    const clusterRoles = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', plural: 'clusterroles' }
    await kube.user.create(clusterRoles, viewer)
    kube.stopAfterTest(() => kube.user.remove(clusterRoles, viewer.metadata))
    // A cluster adds up the two to the role view.
    const kubeconfig = await kubeconfigFor('viewer', ['system:aggregate-to-view', viewer.metadata.name])
    const reads: Readonly<Record<string, readonly [code: number, says: RegExp]>> = {
      get: [0, /^NAME +MODE/],
      status: [1, /\/main\nstate +not ready/],
      'rollout status': [1, /^main: 0 of 1 cells/],
      'rollout history': [0, /main-0/],
      'rollout resume': [0, /^main neither is paused nor waits/],
      doctor: [1, /ok +rights: you may not: patch realms \(scale, rollout\)/],
      report: [0, /: \d+ files\./],
      forward: [1, /^A right is missing: you may not get pods\/portforward in the namespace /],
      top: [4, /^No realm provider is seen in the cluster/],
      version: [0, /Not seen: .* cannot get resource "customresourcedefinitions"/],
    }
    for (const [words, run] of Object.entries(commands)) {
      const outcome = await outcomeOf(run, { ...at, kubeconfig })
      const right = /^(install|uninstall)$/.test(words)
        ? /cannot get resource "deployments" .*\. Those who administer the cluster have it\.$/
        : /^A right is missing: .*"viewer" cannot patch resource "(realms|commscells)" .*\. The ClusterRole edit, .* in the namespace\.$/
      const [code, says] = reads[words] ?? [1, right]
      expect([words, ...outcome]).toEqual([words, code, expect.stringMatching(says)])
    }
  })
})

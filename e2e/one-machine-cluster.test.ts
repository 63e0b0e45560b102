import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { nodeLayer } from '../testing/cluster/base.ts'
import { claims, isOwned, sweep } from '../testing/cluster/claim.ts'
import { type RunningCluster, startCluster } from '../testing/cluster/cluster.ts'
import { writeImage } from '../testing/cluster/oci.ts'
import { namespacesOf, tracesOf } from '../testing/cluster/traces.ts'
import { withPart } from '../testing/parts/with-part.ts'

const quiet = () => undefined
const PATIENCE_MS = 120_000

const server = `require('http').createServer(async (_, answer) =>
  answer.end(JSON.stringify([process.getuid(), (await require('dns').promises.lookup('kubernetes.default.svc.cluster.local')).address]))
).listen(8080, () => console.log('listening'))`

const IMAGE = 'localhost/hello:1'
const NODE = '/usr/local/bin/node'

const saying = (words: string) =>
  `require('http').createServer((_, answer) => answer.end('${words}')).listen(8080, () => console.log('listening'))`

/** A server in a pod, and its Service. */
const hello = (name: string, spec: { script: string; nodeName?: string }) => [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      ...(spec.nodeName && { nodeSelector: { 'kubernetes.io/hostname': spec.nodeName } }),
      containers: [
        {
          name,
          image: IMAGE,
          args: ['-e', spec.script],
          readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          securityContext: { runAsUser: 65532, readOnlyRootFilesystem: true },
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  },
]

/** Imports a small image into every node of a cluster. */
async function handOverImage(cluster: RunningCluster): Promise<void> {
  const files = await mkdtemp(join(tmpdir(), 'cluster-test-'))
  try {
    const archive = join(files, 'hello.tar')
    await writeImage(archive, { name: IMAGE, layers: [await nodeLayer(quiet)], entrypoint: [NODE] })
    await cluster.importImage(archive)
  } finally {
    await rm(files, { recursive: true })
  }
}

withPart('debian', 'a cluster on this machine', () => {
  withPart('kube', 'of one node', (kube) => {
    describe('while it runs', { timeout: PATIENCE_MS }, () => {
      let cluster: RunningCluster

      beforeAll(async () => {
        cluster = await startCluster({ kube })
      }, PATIENCE_MS)

      afterAll(() => cluster?.stop(), PATIENCE_MS)

      test('runs a pod from an imported image, which is reached through its Service by name and from outside', async () => {
        await handOverImage(cluster)
        await cluster.apply(hello('hello', { script: server }))
        await cluster.kubectl('wait', '--for=condition=Ready', 'pod/hello', '--timeout=60s')
        const address = await cluster.kubectl('get', 'service', 'hello', '-o', 'jsonpath={.spec.clusterIP}')
        const apiServer = await cluster.kubectl('get', 'service', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}')
        await vi.waitFor(async () => expect(await (await fetch(`http://${address}`)).json()).toEqual([65532, apiServer]), {
          timeout: 10_000,
        })
        expect(await cluster.kubectl('logs', 'hello')).toBe('listening\n')
      })

      test('reports the error output of kubectl when it fails', async () => {
        await expect(cluster.kubectl('get', 'pod', 'nobody')).rejects.toThrow('pods "nobody" not found')
      })

      test('leaves nothing on this machine when it stops', async () => {
        const folder = dirname(cluster.kubeconfig)
        const index = Number(basename(folder))
        const namespaces = namespacesOf(cluster.nodes[0]?.machine.pid ?? 0)
        expect(await tracesOf(index, folder, namespaces)).not.toEqual([])
        await cluster.stop()
        expect(await tracesOf(index, folder, namespaces)).toEqual([])
      })
    })

    test('ends when its process is killed, and the next start removes what is left', { timeout: PATIENCE_MS }, async () => {
      const script = `
        const { startCluster } = await import(${JSON.stringify(fileURLToPath(new URL('../testing/cluster/cluster.ts', import.meta.url)))})
        const { kubeconfig, nodes } = await startCluster({ kube: ${JSON.stringify(kube)} })
        console.log(JSON.stringify({ kubeconfig, pid: nodes[0].machine.pid }))`
      const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
      const { kubeconfig, pid } = await new Promise<{ kubeconfig: string; pid: number }>((resolve, reject) => {
        owner.stdout.once('data', (line) => resolve(JSON.parse(String(line))))
        owner.once('exit', () => reject(new Error('the cluster did not start')))
      })
      const folder = dirname(kubeconfig)
      const index = Number(basename(folder))
      const namespaces = namespacesOf(pid)
      owner.kill('SIGKILL')
      await vi.waitFor(
        () =>
          expect(
            claims()
              .filter((claim) => claim.index === index)
              .map(isOwned),
          ).toEqual([false]),
        { timeout: 15_000 },
      )
      await sweep()
      await vi.waitFor(async () => expect(await tracesOf(index, folder, namespaces)).toEqual([]), { timeout: 15_000 })
    })
  })

  withPart('kube', 'of a control plane and two workers', (kube) => {
    let cluster: RunningCluster

    beforeAll(async () => {
      cluster = await startCluster({ kube, workers: 2 })
      await handOverImage(cluster)
    }, PATIENCE_MS)

    afterAll(() => cluster?.stop(), PATIENCE_MS)

    const pods = [
      { name: 'ada', nodeName: 'node-1', script: saying('I am ada') },
      { name: 'bob', nodeName: 'node-2', script: saying('I am bob') },
    ]

    test('pods of different nodes, and every node, reach each other by the names and addresses of Services', {
      timeout: PATIENCE_MS,
    }, async () => {
      await cluster.apply(pods.flatMap(({ name, ...spec }) => hello(name, spec)))
      await cluster.kubectl('wait', '--for=condition=Ready', 'pod/ada', 'pod/bob', '--timeout=60s')
      const ask = (url: string) => `fetch('${url}').then((answer) => answer.text()).then(console.log)`
      const askFrom = (pod: string, url: string) => cluster.kubectl('exec', pod, '--', NODE, '--eval', ask(url))
      await vi.waitFor(async () => expect(await askFrom('ada', 'http://bob')).toBe('I am bob\n'), { timeout: 20_000 })
      await vi.waitFor(async () => expect(await askFrom('bob', 'http://ada')).toBe('I am ada\n'), { timeout: 20_000 })
      const address = await cluster.kubectl('get', 'service', 'bob', '-o', 'jsonpath={.spec.clusterIP}')
      for (const { machine } of cluster.nodes)
        expect(await machine.run(process.execPath, '--eval', ask(`http://${address}`))).toBe('I am bob\n')
      expect(await cluster.kubectl('logs', 'bob')).toBe('listening\n')
    })

    test('a drained node has no pod left, and accepts pods again after it is uncordoned', { timeout: PATIENCE_MS }, async () => {
      await cluster.kubectl('drain', 'node-2', '--force', '--timeout=60s')
      const left = async () => (await cluster.kubectl('get', 'pods', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ')
      expect(await left()).toEqual(['ada'])
      await cluster.kubectl('uncordon', 'node-2')
      await cluster.apply(pods.flatMap(({ name, ...spec }) => hello(name, spec)))
      await cluster.kubectl('wait', '--for=condition=Ready', 'pod/bob', '--timeout=60s')
      expect(await left()).toEqual(['ada', 'bob'])
    })
  })
})
